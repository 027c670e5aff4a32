import { z } from 'zod';
import { jsonSchema } from '../json-schema.ts';
import type { Json } from '../json.ts';
import { names, text } from '../request.ts';
import { mcpServer } from './mcp-server.ts';
import { EFFECTS, TOOL_KINDS, type ToolContent } from './tool.ts';

const said = {
  effect: z.enum(EFFECTS),
  permissions: names(64).default([]),
  approvalRequired: z.boolean(),
  owner: text(128).min(1),
};

const content = {
  kind: z.enum(TOOL_KINDS),
  label: text(128).default(''),
  description: text(10_000).default(''),
  inputSchema: jsonSchema(65_536).optional(),
  outputSchema: jsonSchema(65_536).optional(),
  endpoint: text(2000).default(''),
  ...said,
};

interface Said {
  readonly kind: ToolContent['kind'];
  readonly inputSchema?: unknown;
  readonly endpoint: string;
}
const callable = ({ kind, inputSchema, endpoint }: Said): boolean => (kind === 'function' ? inputSchema !== undefined : endpoint !== '');
const HOW = { path: ['kind'], message: 'A function says what goes in (inputSchema); every other tool says where it is (endpoint).' };

/** A tool as it may be drafted. */
export const NewToolContent = z.strictObject(content).refine(callable, HOW);
export const NewTool = z.strictObject({ name: text(256).min(1), ...content }).refine(callable, HOW);
export const ServerImport = z.strictObject({ server: mcpServer, ...said });

export const toolOf = ({ inputSchema = null, outputSchema = null, ...rest }: z.infer<typeof NewToolContent>): ToolContent => ({ ...rest, inputSchema: inputSchema as Json, outputSchema: outputSchema as Json, serverJson: null });

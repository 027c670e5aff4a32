import { z } from 'zod';
import { boundedJson } from '../json-schema.ts';
import type { Json } from '../json.ts';
import type { ToolContent } from './tool.ts';

/** A server.json of the MCP registry, as far as it is understood here; all of it is kept. */
const Server = z.looseObject({
  name: z.string().min(3).max(200),
  description: z.string().min(1).max(10_000),
  version: z.string().min(1).max(128),
  remotes: z.array(z.looseObject({ type: z.string().max(64), url: z.string().max(2000) })).max(32).optional(),
  packages: z.array(z.looseObject({ identifier: z.string().min(1).max(500) })).max(32).optional(),
});

/** What is asked of an imported server beyond what its server.json says: it knows nothing of what its tools may do. */
export type SaidOfServer = Pick<ToolContent, 'effect' | 'permissions' | 'approvalRequired' | 'owner'>;

const small = boundedJson(65_536);
export const mcpServer = Server.refine((server) => small.safeParse(server).success, 'A server.json has at most 65536 bytes and is not nested more than 32 deep.');

export function toolOfServer(server: z.infer<typeof mcpServer>, said: SaidOfServer): { readonly name: string; readonly content: ToolContent } {
  const { name, description, version, remotes = [], packages = [] } = server;
  return {
    name,
    content: { ...said, kind: 'mcp-server', label: version, description, inputSchema: null, outputSchema: null, endpoint: remotes[0]?.url ?? packages[0]?.identifier ?? '', serverJson: server as Json },
  };
}

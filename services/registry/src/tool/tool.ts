import { create } from '@bufbuild/protobuf';
import {
  canonicalJson,
  ToolDeprecatedSchema,
  ToolDraftedSchema,
  ToolPublishedSchema,
  ToolRetiredSchema,
  type ToolContent as ToolContentMessage,
  type ToolDeprecated,
  type ToolDrafted,
  type ToolPublished,
  type ToolRetired,
} from '@vitae/contracts';
import type { Decider } from '@vitae/event-store';
import type { Json } from '../json.ts';
import { decideRevision, evolveRevision, type Revised, type RevisionCommand, type RevisionFact } from '../revised/revision.ts';

export const TOOL_KINDS = ['function', 'mcp-server', 'http', 'retrieval'] as const;
export const EFFECTS = ['read', 'write', 'irreversible'] as const;

/** Something that an AI system may call: what goes in and comes out, and what it can do to the world. */
export interface ToolContent {
  readonly kind: (typeof TOOL_KINDS)[number];
  /** What whoever publishes it calls this revision. */
  readonly label: string;
  readonly description: string;
  /** JSON Schemas; null where there is none. */
  readonly inputSchema: Json;
  readonly outputSchema: Json;
  readonly effect: (typeof EFFECTS)[number];
  readonly permissions: readonly string[];
  readonly approvalRequired: boolean;
  readonly endpoint: string;
  readonly owner: string;
  /** The MCP registry's server.json that it was imported from; null when it was not. */
  readonly serverJson: Json;
}

export type ToolEvent = ToolDrafted | ToolPublished | ToolDeprecated | ToolRetired;

/** A tool, revision after revision; its states are those of every revision. */
export const tool: Decider<Revised<ToolContent>, RevisionCommand<ToolContent>, ToolEvent> = {
  category: 'registry.Tool',
  initial: { is: 'none' },
  decide: (command, state) => decideRevision(command, state, 'tool').map(eventOf),
  evolve: (state, event) => evolveRevision(state, toolFact(event)),
};

function eventOf(fact: RevisionFact<ToolContent>): ToolEvent {
  const { id: toolId, name, number: revision } = fact;
  const of = { toolId, name, revision };
  switch (fact.is) {
    case 'drafted':
      return create(ToolDraftedSchema, { ...of, content: written(fact.content), digest: fact.digest });
    case 'published':
      return create(ToolPublishedSchema, { ...of, content: written(fact.content), digest: fact.digest });
    case 'deprecated':
      return create(ToolDeprecatedSchema, { ...of, reason: fact.reason });
    case 'retired':
      return create(ToolRetiredSchema, { ...of, reason: fact.reason });
  }
}

export function toolFact(event: ToolEvent): RevisionFact<ToolContent> {
  const of = { id: event.toolId, name: event.name, number: event.revision };
  switch (event.$typeName) {
    case 'vitae.registry.v1.ToolDrafted':
      return { ...of, is: 'drafted', content: read(event.content), digest: event.digest };
    case 'vitae.registry.v1.ToolPublished':
      return { ...of, is: 'published', content: read(event.content), digest: event.digest };
    case 'vitae.registry.v1.ToolDeprecated':
      return { ...of, is: 'deprecated', reason: event.reason };
    case 'vitae.registry.v1.ToolRetired':
      return { ...of, is: 'retired', reason: event.reason };
  }
}

const textOf = (value: Json): string => (value === null ? '' : canonicalJson(value));
const jsonOf = (text: string): Json => (text === '' ? null : (JSON.parse(text) as Json));

const written = ({ inputSchema, outputSchema, serverJson, permissions, ...said }: ToolContent) => ({
  ...said,
  inputSchema: textOf(inputSchema),
  outputSchema: textOf(outputSchema),
  serverJson: textOf(serverJson),
  permissions: [...permissions],
});

function read(message: ToolContentMessage | undefined): ToolContent {
  const { kind = 'function', label = '', description = '', inputSchema = '', outputSchema = '', effect = 'irreversible', permissions = [], approvalRequired = true, endpoint = '', owner = '', serverJson = '' } = message ?? {};
  return {
    kind: kind as ToolContent['kind'], // the contract knows no other, nor other effects
    label,
    description,
    inputSchema: jsonOf(inputSchema),
    outputSchema: jsonOf(outputSchema),
    effect: effect as ToolContent['effect'],
    permissions,
    approvalRequired,
    endpoint,
    owner,
    serverJson: jsonOf(serverJson),
  };
}

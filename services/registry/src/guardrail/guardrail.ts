import { create } from '@bufbuild/protobuf';
import {
  canonicalJson,
  GuardrailDeprecatedSchema,
  GuardrailDraftedSchema,
  GuardrailPublishedSchema,
  GuardrailRetiredSchema,
  type GuardrailContent as GuardrailContentMessage,
  type GuardrailDeprecated,
  type GuardrailDrafted,
  type GuardrailPublished,
  type GuardrailRetired,
} from '@vitae/contracts';
import type { Decider } from '@vitae/event-store';
import type { Json } from '../json.ts';
import { decideRevision, evolveRevision, type Revised, type RevisionCommand, type RevisionFact } from '../revised/revision.ts';

export const GUARDRAIL_KINDS = ['input', 'output', 'tool', 'retrieval'] as const;
export const GUARDRAIL_ACTIONS = ['block', 'redact', 'flag', 'escalate'] as const;
export const FAILURE_MODES = ['open', 'closed'] as const;

/** What is checked of what passes through an AI system, by what, and what happens then. */
export interface GuardrailContent {
  readonly kind: (typeof GUARDRAIL_KINDS)[number];
  readonly engine: string;
  readonly configuration: Json;
  readonly categories: readonly string[];
  readonly thresholds: readonly { readonly name: string; readonly value: number }[];
  readonly action: (typeof GUARDRAIL_ACTIONS)[number];
  /** When the engine cannot say: open lets pass, closed does not. */
  readonly failureMode: (typeof FAILURE_MODES)[number];
  readonly description: string;
}

export type GuardrailEvent = GuardrailDrafted | GuardrailPublished | GuardrailDeprecated | GuardrailRetired;

/** A guardrail policy, revision after revision; its states are those of every revision. */
export const guardrail: Decider<Revised<GuardrailContent>, RevisionCommand<GuardrailContent>, GuardrailEvent> = {
  category: 'registry.Guardrail',
  initial: { is: 'none' },
  decide: (command, state) => decideRevision(command, state, 'guardrail').map(eventOf),
  evolve: (state, event) => evolveRevision(state, guardrailFact(event)),
};

function eventOf(fact: RevisionFact<GuardrailContent>): GuardrailEvent {
  const { id: guardrailId, name, number: revision } = fact;
  const of = { guardrailId, name, revision };
  switch (fact.is) {
    case 'drafted':
      return create(GuardrailDraftedSchema, { ...of, content: written(fact.content), digest: fact.digest });
    case 'published':
      return create(GuardrailPublishedSchema, { ...of, content: written(fact.content), digest: fact.digest });
    case 'deprecated':
      return create(GuardrailDeprecatedSchema, { ...of, reason: fact.reason });
    case 'retired':
      return create(GuardrailRetiredSchema, { ...of, reason: fact.reason });
  }
}

export function guardrailFact(event: GuardrailEvent): RevisionFact<GuardrailContent> {
  const of = { id: event.guardrailId, name: event.name, number: event.revision };
  switch (event.$typeName) {
    case 'vitae.registry.v1.GuardrailDrafted':
      return { ...of, is: 'drafted', content: read(event.content), digest: event.digest };
    case 'vitae.registry.v1.GuardrailPublished':
      return { ...of, is: 'published', content: read(event.content), digest: event.digest };
    case 'vitae.registry.v1.GuardrailDeprecated':
      return { ...of, is: 'deprecated', reason: event.reason };
    case 'vitae.registry.v1.GuardrailRetired':
      return { ...of, is: 'retired', reason: event.reason };
  }
}

const written = ({ configuration, categories, thresholds, ...said }: GuardrailContent) => ({ ...said, configuration: canonicalJson(configuration), categories: [...categories], thresholds: thresholds.map((each) => ({ ...each })) });

function read(message: GuardrailContentMessage | undefined): GuardrailContent {
  const { kind = 'input', engine = '', configuration = '{}', categories = [], thresholds = [], action = 'block', failureMode = 'closed', description = '' } = message ?? {};
  return {
    kind: kind as GuardrailContent['kind'], // the contract knows no other, nor other actions or modes
    engine,
    configuration: JSON.parse(configuration) as Json,
    categories,
    thresholds: thresholds.map(({ name, value }) => ({ name, value })),
    action: action as GuardrailContent['action'],
    failureMode: failureMode as GuardrailContent['failureMode'],
    description,
  };
}

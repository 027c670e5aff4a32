import { create } from '@bufbuild/protobuf';
import {
  AISystemRegisteredSchema,
  AISystemVersionComposedSchema,
  AISystemVersionDeprecatedSchema,
  AISystemVersionRetiredSchema,
  canonicalJson,
  type AISystemRegistered,
  type AISystemVersionComposed,
  type AISystemVersionDeprecated,
  type AISystemVersionRetired,
} from '@vitae/contracts';
import { Refused, type Decider, type RefusalStatus } from '@vitae/event-store';
import type { Composition } from './composition.ts';

export interface RegisterAISystem {
  readonly type: 'RegisterAISystem';
  readonly aiSystemId: string;
  readonly name: string;
  readonly description: string;
  readonly useCaseId: string;
}

/** A system is a name under which versions are kept, for one use case. */
export const aiSystem: Decider<{ readonly is: 'none' | 'registered' }, RegisterAISystem, AISystemRegistered> = {
  category: 'registry.AISystem',
  initial: { is: 'none' },
  decide: ({ type: _, ...said }, state) => (state.is === 'none' ? [create(AISystemRegisteredSchema, said)] : []),
  evolve: () => ({ is: 'registered' }),
};

export interface ComposeAISystemVersion extends Composition {
  readonly type: 'ComposeAISystemVersion';
  readonly aiSystemVersionId: string;
  readonly aiSystemId: string;
  readonly aiSystemName: string;
  readonly version: number;
  /** Over components and parameters. */
  readonly digest: string;
  readonly description: string;
  readonly useCaseId: string;
  readonly contributors: readonly string[];
  readonly composedBy: string;
}
export type AISystemVersionChange = { readonly type: 'DeprecateAISystemVersion' | 'RetireAISystemVersion'; readonly reason: string };
export type AISystemVersionCommand = ComposeAISystemVersion | AISystemVersionChange;
export type AISystemVersionEvent = AISystemVersionComposed | AISystemVersionDeprecated | AISystemVersionRetired;
export type AISystemRefusal = 'AI_SYSTEM_NOT_FOUND' | 'AI_SYSTEM_NAME_TAKEN' | 'AI_SYSTEM_VERSION_NOT_FOUND' | 'AI_SYSTEM_VERSION_RETIRED' | 'ALREADY_COMPOSED' | 'PINS_MALFORMED';

export type AISystemVersionState =
  | { readonly is: 'none' }
  | { readonly is: 'composed' | 'deprecated' | 'retired'; readonly aiSystemVersionId: string; readonly aiSystemId: string; readonly version: number };

/**
 * A version of an AI system: what exactly it is made of, for ever.
 *
 *   none ── Compose ──► composed ── Deprecate ──► deprecated ── Retire ──► retired
 *                           └─────────── Retire ──────────────────────────►┘
 *
 * Whether it was evaluated, approved or released is not said here: evaluations, gates and rollouts say that of their own.
 */
export const aiSystemVersion: Decider<AISystemVersionState, AISystemVersionCommand, AISystemVersionEvent> = {
  category: 'registry.AISystemVersion',
  initial: { is: 'none' },

  decide(command, state): readonly AISystemVersionEvent[] {
    if (command.type === 'ComposeAISystemVersion') return state.is === 'none' ? [composed(command)] : [];
    if (state.is === 'none') throw aiSystemVersionNotFound('it');
    const { is, ...version } = state;
    switch (command.type) {
      case 'DeprecateAISystemVersion':
        if (is === 'retired') throw refuse('AI_SYSTEM_VERSION_RETIRED', `Version ${version.version} is retired, which is more than deprecated. Nothing is left to do.`);
        return is === 'deprecated' ? [] : [create(AISystemVersionDeprecatedSchema, { ...version, reason: command.reason })];
      case 'RetireAISystemVersion':
        return is === 'retired' ? [] : [create(AISystemVersionRetiredSchema, { ...version, reason: command.reason })];
    }
  },

  evolve(state, event): AISystemVersionState {
    const { aiSystemVersionId, aiSystemId, version } = event;
    switch (event.$typeName) {
      case 'vitae.registry.v1.AISystemVersionComposed':
        return { is: 'composed', aiSystemVersionId, aiSystemId, version };
      case 'vitae.registry.v1.AISystemVersionDeprecated':
        return { is: 'deprecated', aiSystemVersionId, aiSystemId, version };
      case 'vitae.registry.v1.AISystemVersionRetired':
        return { is: 'retired', aiSystemVersionId, aiSystemId, version };
    }
  },
};

const composed = ({ type: _, components, parameters, contributors, composedBy, ...said }: ComposeAISystemVersion): AISystemVersionComposed =>
  create(AISystemVersionComposedSchema, { ...said, components: components.map((each) => ({ ...each })), parameters: canonicalJson(parameters), contributors: [...new Set([...contributors, composedBy])] });

const refuse = (reason: AISystemRefusal, message: string, status: RefusalStatus = 409): Refused => new Refused(reason, message, status);

export const aiSystemNotFound = (id: string): Refused => refuse('AI_SYSTEM_NOT_FOUND', `There is no AI system ${id} in this project. GET …/ai-systems lists those that are.`, 404);

export const aiSystemNameTaken = (name: string): Refused => refuse('AI_SYSTEM_NAME_TAKEN', `This project has an AI system named ${name} already. Compose a version of that one, or choose another name.`);

export const aiSystemVersionNotFound = (said: string): Refused => refuse('AI_SYSTEM_VERSION_NOT_FOUND', `There is no version ${said} of an AI system in this project. GET …/ai-systems/<id>/versions lists those that are.`, 404);

export const alreadyComposed = (name: string, version: number | undefined, digest: string): Refused =>
  refuse('ALREADY_COMPOSED', `The composition ${digest} is version ${version ?? '?'} of ${name} already. Use that version, or change a component or a parameter.`);

export const pinsMalformed = (said: string): Refused =>
  refuse('PINS_MALFORMED', `pins=${said.slice(0, 100)} names no component. Say model-version:<id>, prompt:<name> or prompt:<name>/<version>, dataset-version:<id>, or guardrail:, tool: or evaluation-suite:<id>, with @<revision> for one of them.`, 422);

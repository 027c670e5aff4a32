import { create } from '@bufbuild/protobuf';
import {
  MlflowWebhookCreatedSchema,
  MlflowWebhookDeletedSchema,
  MlflowWebhookDescribedSchema,
  MlflowWebhookDisabledSchema,
  MlflowWebhookEnabledSchema,
  MlflowWebhookEventsReplacedSchema,
  MlflowWebhookMovedSchema,
  MlflowWebhookRenamedSchema,
  MlflowWebhookSecretReplacedSchema,
  type MlflowWebhookCreated,
  type MlflowWebhookDeleted,
  type MlflowWebhookDescribed,
  type MlflowWebhookDisabled,
  type MlflowWebhookEnabled,
  type MlflowWebhookEventsReplaced,
  type MlflowWebhookMoved,
  type MlflowWebhookRenamed,
  type MlflowWebhookSecretReplaced,
} from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';
import { checkAddress } from '@vitae/webhooks';

export interface CreateMlflowWebhook {
  readonly type: 'CreateMlflowWebhook';
  readonly webhookId: string;
  readonly name: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly description: string;
  readonly active: boolean;
  /** Whether it has a secret; the secret itself goes another way. */
  readonly isSigned: boolean;
  /** Whether plain http and private addresses are taken: for development on one machine. */
  readonly privateAllowed: boolean;
}

export type MlflowWebhookChange =
  /** What is undefined stays as it is. A description is written anew each time that it is said: what is kept of it is sealed. */
  | {
      readonly type: 'ChangeMlflowWebhook';
      readonly name: string | undefined;
      readonly url: string | undefined;
      readonly events: readonly string[] | undefined;
      readonly description: string | undefined;
      readonly active: boolean | undefined;
      readonly newSecret: boolean;
      readonly privateAllowed: boolean;
    }
  | { readonly type: 'GiveUpMlflowWebhook'; readonly failure: 'gone' | 'unreachable' | 'refusing' }
  | { readonly type: 'DeleteMlflowWebhook' };

export type MlflowWebhookCommand = CreateMlflowWebhook | MlflowWebhookChange;
export type MlflowWebhookEvent =
  | MlflowWebhookCreated
  | MlflowWebhookRenamed
  | MlflowWebhookMoved
  | MlflowWebhookEventsReplaced
  | MlflowWebhookDescribed
  | MlflowWebhookSecretReplaced
  | MlflowWebhookEnabled
  | MlflowWebhookDisabled
  | MlflowWebhookDeleted;

export type MlflowWebhookState =
  | { readonly is: 'none' }
  | { readonly is: 'active' | 'disabled'; readonly webhookId: string; readonly name: string; readonly url: string; readonly events: readonly string[] }
  | { readonly is: 'deleted'; readonly webhookId: string };

/**
 * Another system's wish to be told in MLflow's form.
 *
 *   none ── Create ──► active ⇄ disabled ── Delete ──► deleted, for ever
 *
 * The registry disables one by itself when its receiver is gone, refuses, or fails for days.
 */
export const mlflowWebhook: Decider<MlflowWebhookState, MlflowWebhookCommand, MlflowWebhookEvent> = {
  category: 'registry.MlflowWebhook',
  initial: { is: 'none' },

  decide(command, state): readonly MlflowWebhookEvent[] {
    if (command.type === 'CreateMlflowWebhook') {
      if (state.is !== 'none') return [];
      const { type: _, privateAllowed, events, ...said } = command;
      checkAddress(said.url, { privateAllowed });
      return [create(MlflowWebhookCreatedSchema, { ...said, events: [...events] })];
    }
    if (state.is === 'none') throw webhookNotFound('');
    const { webhookId } = state;
    if (state.is === 'deleted') {
      if (command.type !== 'ChangeMlflowWebhook') return [];
      throw webhookNotFound(webhookId);
    }
    switch (command.type) {
      case 'DeleteMlflowWebhook':
        return [create(MlflowWebhookDeletedSchema, { webhookId })];
      case 'GiveUpMlflowWebhook':
        return state.is === 'active' ? [create(MlflowWebhookDisabledSchema, { webhookId, failure: command.failure })] : [];
      case 'ChangeMlflowWebhook': {
        const { name, url, events, description, active, newSecret, privateAllowed } = command;
        if (url !== undefined) checkAddress(url, { privateAllowed });
        return [
          ...(name === undefined || name === state.name ? [] : [create(MlflowWebhookRenamedSchema, { webhookId, name })]),
          ...(url === undefined || url === state.url ? [] : [create(MlflowWebhookMovedSchema, { webhookId, url })]),
          ...(events === undefined || events.join() === state.events.join() ? [] : [create(MlflowWebhookEventsReplacedSchema, { webhookId, events: [...events] })]),
          ...(description === undefined ? [] : [create(MlflowWebhookDescribedSchema, { webhookId, description })]),
          ...(newSecret ? [create(MlflowWebhookSecretReplacedSchema, { webhookId })] : []),
          ...(active === undefined || active === (state.is === 'active') ? [] : [active ? create(MlflowWebhookEnabledSchema, { webhookId }) : create(MlflowWebhookDisabledSchema, { webhookId })]),
        ];
      }
    }
  },

  evolve(state, event): MlflowWebhookState {
    if (event.$typeName === 'vitae.registry.v1.MlflowWebhookCreated') {
      const { webhookId, name, url, events, active } = event;
      return { is: active ? 'active' : 'disabled', webhookId, name, url, events };
    }
    if (state.is === 'none' || state.is === 'deleted') return state;
    switch (event.$typeName) {
      case 'vitae.registry.v1.MlflowWebhookRenamed':
        return { ...state, name: event.name };
      case 'vitae.registry.v1.MlflowWebhookMoved':
        return { ...state, url: event.url };
      case 'vitae.registry.v1.MlflowWebhookEventsReplaced':
        return { ...state, events: event.events };
      case 'vitae.registry.v1.MlflowWebhookDescribed':
      case 'vitae.registry.v1.MlflowWebhookSecretReplaced':
        return state;
      case 'vitae.registry.v1.MlflowWebhookEnabled':
        return { ...state, is: 'active' };
      case 'vitae.registry.v1.MlflowWebhookDisabled':
        return { ...state, is: 'disabled' };
      case 'vitae.registry.v1.MlflowWebhookDeleted':
        return { is: 'deleted', webhookId: event.webhookId };
    }
  },
};

export const webhookNotFound = (id: string): Refused => new Refused('MLFLOW_WEBHOOK_NOT_FOUND', `Webhook with ID ${id} not found.`, 404);

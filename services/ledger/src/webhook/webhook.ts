import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  WebhookFilterReplacedSchema,
  WebhookMovedSchema,
  WebhookPausedSchema,
  WebhookReplayedSchema,
  WebhookResumedSchema,
  WebhookSecretRotatedSchema,
  WebhookSubscribedSchema,
  WebhookSuspendedSchema,
  WebhookUnsubscribedSchema,
  type WebhookFailure,
  type WebhookFilterReplaced,
  type WebhookMoved,
  type WebhookPaused,
  type WebhookReplayed,
  type WebhookResumed,
  type WebhookSecretRotated,
  type WebhookSubscribed,
  type WebhookSuspended,
  type WebhookUnsubscribed,
} from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';
import { checkAddress } from '@vitae/webhooks';

/**
 * Another system's wish to be told over HTTP of what follows in the ledger.
 *
 *            ┌──pause──► paused ──────resume──┐
 *   active ──┤                                ├──► active
 *            └──(the receiver fails for days, refuses, or is gone)──► suspended ──resume──┘
 *   any of these ──unsubscribe──► unsubscribed, for ever
 *
 * Paused and suspended webhooks go on collecting what they are to be told of.
 */
export type WebhookEvent =
  | WebhookSubscribed
  | WebhookFilterReplaced
  | WebhookMoved
  | WebhookPaused
  | WebhookResumed
  | WebhookSecretRotated
  | WebhookReplayed
  | WebhookSuspended
  | WebhookUnsubscribed;

export interface WantedEvents {
  /** Full names of event types, or `<name>.*`. Empty: all. */
  readonly types: readonly string[];
  /** `<kind>:<id>`, or `<kind>:*`. Empty: all. */
  readonly subjects: readonly string[];
}

export type WebhookCommand =
  | {
      readonly type: 'SubscribeWebhook';
      readonly webhookId: string;
      readonly url: string;
      readonly filter: WantedEvents;
      readonly description: string;
      /** Whether plain http and private addresses are taken: for development on one machine. */
      readonly privateAllowed: boolean;
    }
  | { readonly type: 'ReplaceWebhookFilter'; readonly filter: WantedEvents }
  | { readonly type: 'MoveWebhook'; readonly url: string; readonly privateAllowed: boolean }
  | { readonly type: 'PauseWebhook' }
  | { readonly type: 'ResumeWebhook' }
  /** @property oldValidUntil RFC 3339: until then the old secret signs as well. */
  | { readonly type: 'RotateWebhookSecret'; readonly oldValidUntil: string }
  | { readonly type: 'ReplayToWebhook'; readonly fromIndex: number; readonly toIndex: number }
  | { readonly type: 'SuspendWebhook'; readonly failure: WebhookFailure; readonly index: number; readonly attempts: number; readonly detail: string }
  | { readonly type: 'UnsubscribeWebhook' };

export type WebhookRefusal = 'WEBHOOK_NOT_FOUND' | 'WEBHOOK_UNSUBSCRIBED' | 'WEBHOOK_ADDRESS_REFUSED' | 'WEBHOOK_REPLAY_RANGE';

export type WebhookState =
  | { readonly type: 'none' }
  | { readonly type: 'active' | 'paused' | 'suspended'; readonly webhookId: string; readonly url: string; readonly filter: WantedEvents }
  | { readonly type: 'unsubscribed'; readonly webhookId: string };

const refused = (reason: WebhookRefusal, message: string, status: 404 | 410 | 422): Refused => new Refused(reason, message, status);

export const noSuchWebhook = (id: string): Refused => refused('WEBHOOK_NOT_FOUND', `There is no webhook ${id} in this project. GET …/webhooks lists them.`, 404);

export const webhook: Decider<WebhookState, WebhookCommand, WebhookEvent> = {
  category: 'ledger.Webhook',
  initial: { type: 'none' },

  decide(command, current): readonly WebhookEvent[] {
    if (command.type === 'SubscribeWebhook') {
      if (current.type !== 'none') return [];
      const { webhookId, url, filter, description } = command;
      checkAddress(url, command);
      return [create(WebhookSubscribedSchema, { webhookId, url, filter: wanted(filter), description })];
    }
    if (current.type === 'none') throw refused('WEBHOOK_NOT_FOUND', 'There is no such webhook. GET …/webhooks lists them.', 404);
    const { webhookId } = current;
    if (current.type === 'unsubscribed') {
      if (command.type === 'UnsubscribeWebhook' || command.type === 'SuspendWebhook') return [];
      throw refused('WEBHOOK_UNSUBSCRIBED', `Webhook ${webhookId} was unsubscribed, and its secrets are gone. Subscribe anew: POST …/webhooks.`, 410);
    }
    switch (command.type) {
      case 'ReplaceWebhookFilter':
        return same(current.filter, command.filter) ? [] : [create(WebhookFilterReplacedSchema, { webhookId, filter: wanted(command.filter) })];
      case 'MoveWebhook':
        checkAddress(command.url, command);
        return current.url === command.url ? [] : [create(WebhookMovedSchema, { webhookId, url: command.url })];
      case 'PauseWebhook':
        return current.type === 'paused' ? [] : [create(WebhookPausedSchema, { webhookId })];
      case 'ResumeWebhook':
        return current.type === 'active' ? [] : [create(WebhookResumedSchema, { webhookId })];
      case 'RotateWebhookSecret':
        return [create(WebhookSecretRotatedSchema, { webhookId, oldSecretValidUntil: timestampFromDate(new Date(command.oldValidUntil)) })];
      case 'ReplayToWebhook': {
        const { fromIndex, toIndex } = command;
        if (fromIndex > toIndex) throw refused('WEBHOOK_REPLAY_RANGE', `There is nothing from index ${fromIndex} on: the last event has index ${toIndex}. Give an earlier index.`, 422);
        return [create(WebhookReplayedSchema, { webhookId, fromIndex: BigInt(fromIndex), toIndex: BigInt(toIndex) })];
      }
      case 'SuspendWebhook': {
        // A person paused it while the last try was under way: that stands.
        if (current.type !== 'active') return [];
        const { failure, index, attempts, detail } = command;
        return [create(WebhookSuspendedSchema, { webhookId, failure, index: BigInt(index), attempts, detail })];
      }
      case 'UnsubscribeWebhook':
        return [create(WebhookUnsubscribedSchema, { webhookId })];
    }
  },

  evolve(current, event): WebhookState {
    switch (event.$typeName) {
      case 'vitae.ledger.v1.WebhookSubscribed':
        return { type: 'active', webhookId: event.webhookId, url: event.url, filter: filterOf(event) };
      case 'vitae.ledger.v1.WebhookFilterReplaced':
        return subscribed(current, { filter: filterOf(event) });
      case 'vitae.ledger.v1.WebhookMoved':
        return subscribed(current, { url: event.url });
      case 'vitae.ledger.v1.WebhookPaused':
        return subscribed(current, { type: 'paused' });
      case 'vitae.ledger.v1.WebhookResumed':
        return subscribed(current, { type: 'active' });
      case 'vitae.ledger.v1.WebhookSuspended':
        return subscribed(current, { type: 'suspended' });
      case 'vitae.ledger.v1.WebhookSecretRotated':
      case 'vitae.ledger.v1.WebhookReplayed':
        return current;
      case 'vitae.ledger.v1.WebhookUnsubscribed':
        return { type: 'unsubscribed', webhookId: event.webhookId };
    }
  },
};

type Subscribed = Extract<WebhookState, { url: string }>;

const subscribed = (current: WebhookState, change: Partial<Subscribed>): WebhookState => ('url' in current ? { ...current, ...change } : current);

/** The filter that an event carries. */
export const filterOf = ({ filter }: WebhookSubscribed | WebhookFilterReplaced): WantedEvents => ({ types: filter?.types ?? [], subjects: filter?.subjects ?? [] });

const wanted = ({ types, subjects }: WantedEvents) => ({ types: [...types], subjects: [...subjects] });
const same = (one: WantedEvents, other: WantedEvents): boolean => JSON.stringify(wanted(one)) === JSON.stringify(wanted(other));

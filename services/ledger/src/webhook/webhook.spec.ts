import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { describe, it } from '@jest/globals';
import {
  WebhookFailure,
  WebhookFilterReplacedSchema,
  WebhookMovedSchema,
  WebhookPausedSchema,
  WebhookReplayedSchema,
  WebhookResumedSchema,
  WebhookSecretRotatedSchema,
  WebhookSubscribedSchema,
  WebhookSuspendedSchema,
  WebhookUnsubscribedSchema,
} from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { webhook } from './webhook.ts';

const webhookId = '01990000-0000-7000-8000-000000000001';
const url = 'https://receiver.example/vitae';
const filter = { types: ['vitae.registry.v1.*'], subjects: ['model:m-1'] };
const subscribe = { type: 'SubscribeWebhook', webhookId, url, filter, description: 'the risk register', privateAllowed: false } as const;
const subscribed = create(WebhookSubscribedSchema, { webhookId, url, filter, description: 'the risk register' });
const paused = create(WebhookPausedSchema, { webhookId });
const resumed = create(WebhookResumedSchema, { webhookId });
const unsubscribed = create(WebhookUnsubscribedSchema, { webhookId });
const failing = { failure: WebhookFailure.UNREACHABLE, attempts: 80, detail: 'no answer' };
const suspend = { type: 'SuspendWebhook', ...failing, index: 7 } as const;
const suspended = create(WebhookSuspendedSchema, { webhookId, ...failing, index: 7n });
const given = specification(webhook);

describe('a webhook', () => {
  it('is subscribed', () => given([]).when(subscribe).then([subscribed]));
  it('is subscribed once', () => given([subscribed]).when(subscribe).then([]));
  it('does not lead behind the firewall', () => given([]).when({ ...subscribe, url: 'https://10.0.0.1/' }).thenRefused('WEBHOOK_ADDRESS_REFUSED'));
  it('takes plain http where that is allowed', () =>
    given([]).when({ ...subscribe, url: 'http://127.0.0.1:9000/', privateAllowed: true }).then([create(WebhookSubscribedSchema, { ...subscribed, url: 'http://127.0.0.1:9000/' })]));

  it('is told of other events from then on', () =>
    given([subscribed]).when({ type: 'ReplaceWebhookFilter', filter: { types: [], subjects: [] } }).then([create(WebhookFilterReplacedSchema, { webhookId, filter: {} })]));
  it('keeps a filter that says the same', () => given([subscribed]).when({ type: 'ReplaceWebhookFilter', filter }).then([]));
  it('moves to another address', () =>
    given([subscribed]).when({ type: 'MoveWebhook', url: 'https://new.example/', privateAllowed: false }).then([create(WebhookMovedSchema, { webhookId, url: 'https://new.example/' })]));
  it('does not move to where it stands', () => given([subscribed]).when({ type: 'MoveWebhook', url, privateAllowed: false }).then([]));
  it('does not move behind the firewall', () => given([subscribed]).when({ type: 'MoveWebhook', url: 'https://[::1]/', privateAllowed: false }).thenRefused('WEBHOOK_ADDRESS_REFUSED'));

  it('is paused', () => given([subscribed]).when({ type: 'PauseWebhook' }).then([paused]));
  it('is paused once', () => given([subscribed, paused]).when({ type: 'PauseWebhook' }).then([]));
  it('is resumed', () => given([subscribed, paused]).when({ type: 'ResumeWebhook' }).then([resumed]));
  it('need not be resumed while it is active', () => given([subscribed, paused, resumed]).when({ type: 'ResumeWebhook' }).then([]));
  it('is suspended when its receiver fails', () => given([subscribed]).when(suspend).then([suspended]));
  it('stays paused although the last try failed', () => given([subscribed, paused]).when(suspend).then([]));
  it('is resumed after it was suspended', () => given([subscribed, suspended]).when({ type: 'ResumeWebhook' }).then([resumed]));

  it('gets a new secret, of which the event says nothing but how long the old one lasts', () =>
    given([subscribed])
      .when({ type: 'RotateWebhookSecret', oldValidUntil: '2026-11-22T09:00:00.000Z' })
      .then([create(WebhookSecretRotatedSchema, { webhookId, oldSecretValidUntil: timestampFromDate(new Date('2026-11-22T09:00:00Z')) })]));
  it('is sent earlier events again', () =>
    given([subscribed]).when({ type: 'ReplayToWebhook', fromIndex: 3, toIndex: 9 }).then([create(WebhookReplayedSchema, { webhookId, fromIndex: 3n, toIndex: 9n })]));
  it('is not sent what is not there yet', () => given([subscribed]).when({ type: 'ReplayToWebhook', fromIndex: 10, toIndex: 9 }).thenRefused('WEBHOOK_REPLAY_RANGE'));

  it('is unsubscribed in any state', () => {
    for (const past of [[subscribed], [subscribed, paused], [subscribed, suspended]]) given(past).when({ type: 'UnsubscribeWebhook' }).then([unsubscribed]);
  });
  it('is unsubscribed once', () => given([subscribed, unsubscribed]).when({ type: 'UnsubscribeWebhook' }).then([]));
  it('is not suspended after the end', () => given([subscribed, unsubscribed]).when(suspend).then([]));
  it('does nothing more after the end', () => given([subscribed, unsubscribed]).when({ type: 'ResumeWebhook' }).thenRefused('WEBHOOK_UNSUBSCRIBED'));
  it('has to exist', () => given([]).when({ type: 'PauseWebhook' }).thenRefused('WEBHOOK_NOT_FOUND'));
});

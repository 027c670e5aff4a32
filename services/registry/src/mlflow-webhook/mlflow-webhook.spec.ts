import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import {
  MlflowWebhookCreatedSchema, MlflowWebhookDeletedSchema, MlflowWebhookDescribedSchema, MlflowWebhookDisabledSchema, MlflowWebhookEnabledSchema, MlflowWebhookEventsReplacedSchema, MlflowWebhookMovedSchema, MlflowWebhookRenamedSchema,
  MlflowWebhookSecretReplacedSchema, ModelTaggedSchema, ModelVersionRegisteredSchema, ModelVersionTaggedSchema,
} from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { mlflowWebhook, type CreateMlflowWebhook, type MlflowWebhookChange } from './mlflow-webhook.ts';
import { bodyOf, EXAMPLES, noticeOf } from './notice.ts';

const given = specification(mlflowWebhook);
const webhookId = '01890000-0000-7000-8000-000000000001';
const said = { webhookId, name: 'w', url: 'https://example.org/hook', events: ['model_version.created'], description: 'for us', active: true, isSigned: true };
const command: CreateMlflowWebhook = { type: 'CreateMlflowWebhook', ...said, privateAllowed: false };
const created = create(MlflowWebhookCreatedSchema, said);
const disabled = create(MlflowWebhookDisabledSchema, { webhookId });
const change = (more: Partial<Extract<MlflowWebhookChange, { type: 'ChangeMlflowWebhook' }>>): MlflowWebhookChange => ({ type: 'ChangeMlflowWebhook', name: undefined, url: undefined, events: undefined, description: undefined, active: undefined, newSecret: false, privateAllowed: false, ...more });

describe('A webhook of MLflow', () => {
  it('is created once, and leads to no private address unless that is allowed', () => {
    given([]).when(command).then([created]);
    given([created]).when(command).then([]);
    for (const url of ['http://example.org/', 'https://127.0.0.1/', 'https://[::1]/', 'https://10.0.0.1/', 'https://169.254.169.254/latest/']) given([]).when({ ...command, url }).thenRefused('WEBHOOK_ADDRESS_REFUSED');
    given([created]).when(change({ url: 'https://192.168.0.1/' })).thenRefused('WEBHOOK_ADDRESS_REFUSED');
    given([]).when({ ...command, url: 'http://127.0.0.1:1/', privateAllowed: true }).then([create(MlflowWebhookCreatedSchema, { ...said, url: 'http://127.0.0.1:1/' })]);
  });

  it('is changed in what is said, and in nothing else', () => {
    given([created])
      .when(change({ name: 'v', url: 'https://example.org/other', events: ['prompt.created'], description: 'other', active: false, newSecret: true }))
      .then([
        create(MlflowWebhookRenamedSchema, { webhookId, name: 'v' }),
        create(MlflowWebhookMovedSchema, { webhookId, url: 'https://example.org/other' }),
        create(MlflowWebhookEventsReplacedSchema, { webhookId, events: ['prompt.created'] }),
        create(MlflowWebhookDescribedSchema, { webhookId, description: 'other' }),
        create(MlflowWebhookSecretReplacedSchema, { webhookId }),
        disabled,
      ]);
    given([created]).when(change({ name: 'w', url: said.url, events: said.events, active: true })).then([]);
    given([created, disabled]).when(change({ active: true })).then([create(MlflowWebhookEnabledSchema, { webhookId })]);
  });

  it('is given up while it is active, and ends for ever', () => {
    given([created]).when({ type: 'GiveUpMlflowWebhook', failure: 'gone' }).then([create(MlflowWebhookDisabledSchema, { webhookId, failure: 'gone' })]);
    given([created, disabled]).when({ type: 'GiveUpMlflowWebhook', failure: 'gone' }).then([]);
    const deleted = create(MlflowWebhookDeletedSchema, { webhookId });
    given([created]).when({ type: 'DeleteMlflowWebhook' }).then([deleted]);
    given([created, deleted]).when({ type: 'DeleteMlflowWebhook' }).then([]);
    given([created, deleted]).when(change({ name: 'x' })).thenRefused('MLFLOW_WEBHOOK_NOT_FOUND');
    given([]).when(change({ name: 'x' })).thenRefused('MLFLOW_WEBHOOK_NOT_FOUND');
  });
});

describe('What a receiver is told', () => {
  const about = { name: 'credit', isPrompt: false, tags: {}, withRegistration: false };
  const id = webhookId;
  it('is of a version with bytes where these were taken from', () => {
    expect(noticeOf(create(ModelVersionRegisteredSchema, { modelVersionId: id, modelId: id, version: 2, artefactSource: 'runs:/r/m', runId: 'r' }), { ...about, tags: { a: '1' } })).toEqual({
      type: 'model_version.created',
      data: { name: 'credit', version: '2', source: 'runs:/r/m', run_id: 'r', tags: { a: '1' }, description: null },
    });
  });

  it('is nothing of the tags of models, nor of those that came with a registration', () => {
    const modelTag = create(ModelTaggedSchema, { modelId: id, key: 'a', value: '1' });
    const versionTag = create(ModelVersionTaggedSchema, { modelVersionId: id, modelId: id, version: 1, key: 'a', value: '1' });
    expect([noticeOf(modelTag, about), noticeOf(modelTag, { ...about, isPrompt: true, withRegistration: true }), noticeOf(versionTag, { ...about, withRegistration: true })]).toEqual([undefined, undefined, undefined]);
    expect(noticeOf(modelTag, { ...about, isPrompt: true })?.type).toBe('prompt_tag.set');
  });

  it('is a JSON object with entity, action, time and data', () => {
    expect(JSON.parse(bodyOf({ type: 'prompt_alias.deleted', data: EXAMPLES['prompt_alias.deleted'] ?? {} }, '2026-01-01T00:00:00.000Z'))).toEqual({ entity: 'prompt_alias', action: 'deleted', timestamp: '2026-01-01T00:00:00.000Z', data: { name: 'example_prompt', alias: 'example_alias' } });
  });
});

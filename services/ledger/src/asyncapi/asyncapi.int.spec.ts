import { create, ScalarType, toJson, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import specs from '@asyncapi/specs';
import { ActorKind, ActorSchema, AiActClass, eventRegistry, RiskTier, UseCaseDraftedSchema, WebhookFailure, WebhookSecretRotatedSchema, WebhookSuspendedSchema } from '@vitae/contracts';
import { append, subjectOf, transactOn } from '@vitae/event-store';
import { boot, type Running } from '@vitae/service-kit';
import { freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import { Ajv, type AnySchemaObject, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { ledger } from '../app.module.ts';
import { asyncApi, eventTypes } from './asyncapi.ts';

interface Document {
  readonly channels: Readonly<Record<string, { readonly address: string; readonly parameters: { readonly event: { readonly enum: readonly string[] } }; readonly messages: Readonly<Record<string, { readonly $ref: string }>> }>>;
  readonly components: { readonly schemas: Readonly<Record<string, AnySchemaObject>>; readonly messages: Readonly<Record<string, { readonly payload: { readonly $ref: string } }>> };
}

let database: FreshDatabase, nats: FreshNats, directory: string, service: Running, document: Document;

beforeAll(async () => {
  [database, nats, directory] = await Promise.all([freshDatabase(), freshNats(), mkdtemp(join(tmpdir(), 'vitae-asyncapi-'))]);
  service = await boot(ledger, { ...specAccess(), PORT: '0', DATABASE_URL: database.url, NATS_URL: nats.url, LOG_LEVEL: 'silent', VITAE_DATA_DIR: directory });
  const response = await fetch(`${service.url}/asyncapi.json`);
  expect(response.headers.get('content-type')).toMatch(/^application\/vnd\.aai\.asyncapi\+json/);
  document = (await response.json()) as Document;
});
afterAll(async () => {
  await service.stop();
  await Promise.all([nats.drop(), database.drop(), rm(directory, { recursive: true, force: true })]);
});

/** The payload schema of an event type; strict: a property that the schema does not name is an error. */
function validator(from: Document, type: string, { strict = false } = {}): ValidateFunction {
  const ajv = new Ajv({ strict: false, allErrors: true });
  formats.default(ajv);
  const schemas = strict ? (JSON.parse(JSON.stringify(from.components.schemas), (_key, value: AnySchemaObject) => (value?.['properties'] ? { ...value, additionalProperties: false } : value)) as Document['components']['schemas']) : from.components.schemas;
  return ajv.compile({ components: { schemas }, $ref: from.components.messages[type]?.payload.$ref ?? '#/none' });
}

describe('the AsyncAPI document', () => {
  it('keeps the official JSON Schema of AsyncAPI 3.0', () => {
    const ajv = new Ajv({ strict: false, allErrors: true, meta: false, validateSchema: false }); // it brings draft 7 along itself
    formats.default(ajv);
    const official = ajv.compile(specs.schemas['3.0.0'] as AnySchemaObject);
    official(document);
    expect(official.errors ?? []).toEqual([]);
    expect(official({ ...document, channels: { registry: { address: 7 } } })).toBe(false); // it does bite
  });

  it('has every event type of proto/ in one channel, with a payload', () => {
    const types = eventTypes(eventRegistry).map(({ typeName }) => typeName);
    expect(types).toContain('vitae.registry.v1.ModelVersionRegistered');
    const told = Object.values(document.channels).flatMap(({ messages }) => Object.values(messages).map(({ $ref }) => $ref.replace('#/components/messages/', '')));
    expect(told.sort()).toEqual([...types].sort());
    for (const type of types) expect(document.components.schemas[type]).toMatchObject({ type: 'object' });
  });

  it.each(eventTypes(eventRegistry).map((desc) => [desc.typeName, desc] as const))('describes all that %s can hold, and nothing else', (type, desc) => {
    const payload = toJson(desc, filled(desc)) as Record<string, unknown>;
    const strict = validator(asyncApi(eventRegistry, '0') as Document, type, { strict: true });
    expect([strict(payload), strict.errors]).toEqual([true, null]);
    expect(strict({})).toBe(true); // defaults are left out
    for (const name of Object.keys(payload)) expect([name, strict({ ...payload, [name]: { surely: 'wrong' } })]).toEqual([name, false]);
  });

  it('holds for what the ledger stored, and for the subject it is published under', async () => {
    const pool = new Pool({ connectionString: database.url, max: 1 });
    try {
      const [useCaseId, webhookId] = [uuidv7(), uuidv7()];
      const events = [
        ['governance.UseCase', create(UseCaseDraftedSchema, { useCaseId, title: 'Credit', objective: 'fewer losses', kpis: [{ name: 'loss', unit: '%', baseline: 3.5, target: 2 }], owner: 'dana', dataAvailability: 'ten years', purpose: 'credit-scoring', riskTier: RiskTier.HIGH, aiActClass: AiActClass.HIGH_RISK })],
        ['ledger.Webhook', create(WebhookSuspendedSchema, { webhookId, failure: WebhookFailure.GONE, index: 9_007_199_254_740_993n, attempts: 3, detail: 'the receiver answered 410' })],
        ['ledger.Webhook', create(WebhookSecretRotatedSchema, { webhookId, oldSecretValidUntil: { seconds: 1_795_000_000n, nanos: 120_000_000 } })],
      ] as const;
      for (const [category, event] of events) {
        const [recorded] = await transactOn(pool)((tx) => append(tx.sql, { stream: `${category}-${uuidv7()}`, expected: 'noStream', events: [event], subjects: [], attribution }));
        const [row] = (await pool.query<{ payload: string; type: string }>('select payload::text, type from ledger.event where id = $1', [recorded?.id])).rows;
        const validate = validator(document, row?.type ?? '', { strict: true });
        expect([validate(JSON.parse(row?.payload ?? '')), validate.errors]).toEqual([true, null]);
        const subject = recorded ? subjectOf(recorded) : '';
        const addresses = Object.values(document.channels).flatMap(({ address, parameters }) =>
          parameters.event.enum.map((name) => new RegExp(`^${address.replace('{projectId}', '[a-z0-9-]+').replace('{aggregate}', '[A-Za-z]+').replace('{event}', name).replaceAll('.', '\\.')}$`)),
        );
        expect(addresses.filter((address) => address.test(subject))).toHaveLength(1);
      }
    } finally {
      await pool.end();
    }
  });
});

const attribution = {
  projectId: 'credit',
  actor: create(ActorSchema, { id: 'dana', kind: ActorKind.HUMAN }),
  reason: 'a spec',
  occurredAt: '2026-11-20T09:00:00.000Z',
  correlationId: 'c',
  causationId: '',
  traceparent: '',
};

/** A message with every field set, at any depth. */
function filled(desc: DescMessage): Message {
  const message = reflect(desc);
  for (const field of desc.fields) {
    if (field.fieldKind === 'list') message.get(field).add(valueOf(field));
    else if (field.fieldKind === 'map') throw new Error(`${field}: no event has a map yet; fill it here`);
    else message.set(field, valueOf(field));
  }
  return message.message;
}

function valueOf({ message, enum: choice, scalar }: { readonly message?: DescField['message']; readonly enum?: DescField['enum']; readonly scalar?: ScalarType }): unknown {
  if (message) return reflect(message, filled(message));
  if (choice) return choice.values.at(-1)?.number;
  switch (scalar) {
    case ScalarType.STRING:
      return 'text';
    case ScalarType.BOOL:
      return true;
    case ScalarType.BYTES:
      return new Uint8Array([1, 2]);
    case ScalarType.INT64:
    case ScalarType.UINT64:
      return 5n;
    default:
      return 5;
  }
}

import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ActorKind, ActorSchema, TrafficShiftedSchema, UseCaseSubmittedSchema } from '@vitae/contracts';
import { append, ledgerMigrations, migrate, transactOn, type AppendRequest } from '@vitae/event-store';
import { LEDGER_STREAM } from '@vitae/messaging';
import { boot, type Running } from '@vitae/service-kit';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { ledger } from './app.module.ts';

let database: FreshDatabase;
let broker: FreshNats;
let pool: Pool;
let nats: NatsConnection;
let services: Running[];

const environment = () => ({ ...specAccess(), PORT: '0', DATABASE_URL: database.url, NATS_URL: broker.url, LOG_LEVEL: 'silent' });

beforeAll(async () => {
  [database, broker] = await Promise.all([freshDatabase(), freshNats()]);
  await migrate(database.url, ledgerMigrations);
  pool = new Pool({ connectionString: database.url, max: 6 });
  pool.on('error', () => undefined);
  nats = await connect({ servers: broker.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  // Two replicas from the start: everything below must hold with both at work.
  services = await Promise.all([boot(ledger, environment()), boot(ledger, environment())]);
});
afterAll(async () => {
  await Promise.all(services.map((service) => service.stop()));
  await nats.close();
  await pool.end();
  await broker.drop();
  await database.drop();
});

const store = (more: Partial<AppendRequest> = {}) =>
  transactOn(pool)((tx) =>
    append(tx.sql, {
      stream: `governance.UseCase-${uuidv7()}`,
      expected: 'noStream',
      events: [create(UseCaseSubmittedSchema, { useCaseId: uuidv7() })],
      subjects: ['model:m-1'],
      attribution: {
        projectId: 'credit',
        actor: create(ActorSchema, { id: 'dana', kind: ActorKind.HUMAN }),
        reason: 'a spec',
        occurredAt: '2026-11-20T09:00:00.000Z',
        correlationId: 'c',
        causationId: '',
        traceparent: '',
      },
      ...more,
    }),
  );

const get = async (path: string) => {
  const response = await fetch(`${services[0]?.url}${path}`, { headers: { authorization: as('human/audrey') } });
  return { status: response.status, body: (await response.json()) as Record<string, never> };
};
const stored = async (): Promise<string[]> => {
  const manager = await jetstreamManager(nats);
  const { state } = await manager.streams.info(LEDGER_STREAM);
  const messages = await Promise.all(Array.from({ length: state.messages }, (_, i) => manager.streams.getMessage(LEDGER_STREAM, { seq: i + 1 })));
  return messages.map((message) => `${message?.seq} ${message?.header.get('ce-index')} ${message?.header.get('ce-id')} ${message?.string()}`);
};
const published = async (n: number): Promise<string[]> =>
  eventually(async () => {
    const messages = await stored();
    expect(messages).toHaveLength(n);
    return messages;
  });

describe('the ledger service', () => {
  it('sequences and publishes what others append, at sequence = index + 1, with two replicas at work', async () => {
    await Promise.all(Array.from({ length: 40 }, () => store()));
    const messages = await published(40);
    expect(messages.map((m) => m.split(' ').slice(0, 2))).toEqual(messages.map((_, i) => [String(i + 1), String(i)]));
    expect((await get('/v1/projects/credit/head')).body).toMatchObject({ nextIndex: 40, unsequenced: 0 });
  });

  it('publishes the same messages at the same sequences after JetStream lost its store', async () => {
    const before = await published(40);
    await broker.restart({ emptied: true });
    await eventually(() => nats.flush());
    expect(await published(40)).toEqual(before);
    await store();
    await published(41);
  });

  it('says that it is not ready when JetStream holds more than the database, and publishes nothing into it', async () => {
    const other = await freshDatabase();
    await migrate(other.url, ledgerMigrations);
    const stranger = await boot(ledger, { ...environment(), DATABASE_URL: other.url });
    try {
      await eventually(async () => {
        const response = await fetch(`${stranger.url}/readyz`);
        expect(response.status).toBe(503);
        expect(((await response.json()) as { detail: string }).detail).toMatch(/belongs to ledger/);
      });
      await published(41);
    } finally {
      await stranger.stop();
      await other.drop();
    }
  });

  it('tells the history of a subject in pages, and only that of the project', async () => {
    const subject = `model:${uuidv7()}`;
    for (let i = 0; i < 3; i += 1) await store({ subjects: [subject] });
    await published(44);
    const first = await get(`/v1/projects/credit/events?subject=${subject}&limit=2`);
    expect(first.body['items']).toHaveLength(2);
    const next = await get(`/v1/projects/credit/events?subject=${subject}&limit=2&from=${first.body['next']}`);
    expect(next.body['items']).toHaveLength(1);
    expect(next.body['next']).toBeUndefined();
    expect((await get(`/v1/projects/other/events?subject=${subject}`)).body['items']).toEqual([]);
  });

  it('says which versions served at a time', async () => {
    const endpointId = uuidv7();
    const shift = (version: number) =>
      store({
        stream: `deployment.Endpoint-${uuidv7()}`,
        subjects: [`endpoint:${endpointId}`],
        events: [
          create(TrafficShiftedSchema, {
            endpointId,
            endpointName: 'credit',
            environment: 'production',
            weights: [{ variantId: uuidv7(), modelVersionId: uuidv7(), version, weight: 100 }],
          }),
        ],
      });
    const [one] = await shift(1);
    const [two] = await shift(2);
    await published(46);
    const at = (time: string | undefined) => get(`/v1/projects/credit/endpoints/${endpointId}/serving?at=${time}`);
    expect((await at(one?.recordedAt)).body).toMatchObject({ weights: [{ version: 1, weight: 100 }] });
    expect((await at(two?.recordedAt)).body).toMatchObject({ weights: [{ version: 2, weight: 100 }] });
    expect(await at('2020-01-01T00:00:00Z')).toMatchObject({ status: 404, body: { type: 'https://vitae.dev/problems/nothing-served' } });
  });

  const asked = (path: string, init: RequestInit) => fetch(`${services[0]?.url}${path}`, init);
  const of = (rights: Parameters<typeof as>[1]) => ({ headers: { authorization: as('human/audrey', rights) } });

  it.each(['/v1/projects/credit/events', '/v1/events', '/v1/events/feed', '/v1/events/0', '/v1/log', '/v1/erasures'])('tells nobody of %s who is not known', async (path) => {
    const { status, headers } = await asked(path, {});
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="vitae"']);
  });

  it('tells a project to who has a role in it, and all projects only to who has it everywhere', async () => {
    const ofCredit = of({ roles: ['auditor', 'platform-engineer'], projects: ['credit'] });
    const status = async (path: string, init = ofCredit) => (await asked(path, init)).status;
    expect([await status('/v1/projects/credit/events'), await status('/v1/projects/credit/head')]).toEqual([200, 200]);
    for (const path of ['/v1/projects/beta/events', '/v1/projects/beta/events/feed', '/v1/events', '/v1/events/0', '/v1/events/feed', '/v1/log', '/v1/log/proof/0', '/v1/erasures']) {
      expect([path, await status(path)]).toEqual([path, 403]);
    }
    expect(await status('/v1/events', of({ roles: ['auditor'] }))).toBe(200);
  });

  it('lets a webhook of all projects be managed only by who may do so in all of them', async () => {
    const ofCredit = of({ roles: ['platform-engineer'], projects: ['credit'] });
    expect((await asked('/v1/projects/credit/webhooks', ofCredit)).status).toBe(200);
    expect((await asked('/v1/projects/vitae/webhooks', ofCredit)).status).toBe(403);
    expect((await asked('/v1/projects/vitae/webhooks', of({ roles: ['platform-engineer'] }))).status).toBe(200);
  });

  it.each([
    ['viewer', 'POST', '/v1/projects/credit/evidence'],
    ['viewer', 'POST', '/v1/log/keys'],
    ['auditor', 'POST', '/v1/erasures'],
    ['auditor', 'GET', '/v1/projects/credit/webhooks'],
  ])('refuses a %s %s %s', async (role, method, path) => {
    const response = await asked(path, { ...of({ roles: [role] }), method });
    expect([response.status, await response.json()]).toMatchObject([403, { type: 'https://vitae.dev/problems/permission-missing', detail: expect.stringMatching(/Who has it: /) }]);
  });

  it.each([
    ['/v1/projects/credit/events?limit=0', 400],
    ['/v1/projects/credit/events?unknown=1', 400],
    ['/v1/projects/credit/events?subject=nonsense', 400],
    ['/v1/projects/credit/events/99999', 404],
    ['/v1/projects/credit/endpoints/x/serving?at=yesterday', 400],
    ['/v1/projects/NOT%20A%20SLUG/events', 400],
  ])('answers %s with %i and a problem document', async (path, status) => {
    const answer = await get(path);
    expect(answer.status).toBe(status);
    expect(answer.body['type']).toMatch(/^https:\/\/vitae\.dev\/problems\//);
  });
});

import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { MikroORM } from '@mikro-orm/postgresql';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers as natsHeaders } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ActorKind, ActorSchema, EndpointCreatedSchema } from '@vitae/contracts';
import { append, pooledSql } from '@vitae/event-store';
import { boot, sqlOf, type CommandContext, type Running } from '@vitae/service-kit';
import { fitNumeric } from '@vitae/statistics';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import pg from 'pg';
import { v7 as uuid } from 'uuid';
import { monitoring } from '../app.module.ts';
import { baseline } from '../baseline/baseline.ts';
import { projectBaseline } from '../baseline/baselines.view.ts';
import { DEFAULT_RULE } from '../baseline/reference.ts';
import { INFERENCE_STREAM } from './inference-stream.client.ts';

const project = 'credit';
let database: FreshDatabase;
let nats: FreshNats;
let pool: pg.Pool;
const replicas: Running[] = [];

beforeAll(async () => {
  [database, nats] = await Promise.all([freshDatabase(), freshNats()]);
  await start();
  pool = new pg.Pool({ connectionString: database.url, max: 2 });
});
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await pool?.end();
  await Promise.all([nats?.drop(), database?.drop()]);
});

async function start(): Promise<void> {
  replicas.push(await boot(monitoring, { ...specAccess(), LOG_LEVEL: 'silent', PORT: '0', DATABASE_URL: database.url, NATS_URL: nats.url }));
}
const stop = async (): Promise<void> => replicas.shift()?.stop();
const url = (): string => replicas[0]?.url ?? '';

const attribution: CommandContext = {
  projectId: project,
  actor: create(ActorSchema, { id: 'pat', kind: ActorKind.HUMAN }),
  reason: '',
  occurredAt: new Date().toISOString(),
  correlationId: 'spec',
  causationId: '',
  traceparent: '',
};

async function endpoint(): Promise<string> {
  const endpointId = uuid();
  const events = [create(EndpointCreatedSchema, { endpointId, name: 'credit', environmentId: uuid(), environment: 'production', modelId: uuid() })];
  await append(pooledSql(pool), { stream: `deployment.Endpoint-${endpointId}`, expected: 'noStream', events, attribution, subjects: [] });
  await pool.query('select ledger.sequence(1000)');
  return endpointId;
}

/** A baseline of one feature, `amount` from 0 to 999, put in force without a registry. */
async function watch(endpointId: string, windowRows: number): Promise<void> {
  const [event] = baseline.decide(
    {
      type: 'ActivateBaseline',
      baselineId: uuid(),
      endpointId,
      modelId: uuid(),
      datasetVersionId: uuid(),
      datasetDigest: `sha256:${'a'.repeat(64)}`,
      split: '',
      rowCount: 1_000,
      features: [['amount', fitNumeric(Array.from({ length: 1_000 }, (_, i) => i))]],
      rule: { ...DEFAULT_RULE, windowRows, minimumRows: windowRows },
    },
    'none',
  );
  if (!event) throw new Error('no baseline');
  const [recorded] = await append(pooledSql(pool), { stream: `monitoring.Baseline-${event.baselineId}`, expected: 'noStream', events: [event], attribution, subjects: [] });
  const orm = await MikroORM.init({ clientUrl: database.url, driverOptions: { connectionString: database.url, options: '-c search_path=monitoring' }, schema: 'monitoring', entities: [...(monitoring.database?.entities ?? [])] });
  try {
    await orm.em.fork().transactional(async (em) => recorded && projectBaseline({ em, sql: sqlOf(em) }, recorded));
  } finally {
    await orm.close();
  }
}

const variantId = uuid();
const modelVersionId = uuid();
const attributes = (half: string, endpointId: string, ceId: string): Record<string, string> => ({
  'ce-specversion': '1.0',
  'ce-id': ceId,
  'ce-type': `org.kubeflow.serving.inference.${half}`,
  'ce-time': new Date().toISOString(),
  'ce-namespace': project,
  'ce-annotations': JSON.stringify({ 'vitae.dev/endpoint-id': endpointId, 'vitae.dev/variant-id': variantId, 'vitae.dev/model-version-id': modelVersionId }),
});
const bodyOf = (half: string, amounts: readonly number[]): string =>
  JSON.stringify(half === 'request' ? { inputs: [{ name: 'amount', shape: [amounts.length, 1], data: amounts }] } : { outputs: [{ name: 'label', shape: [amounts.length], data: amounts.map(() => 0) }] });

/** Delivers one exchange as the runtime does: until it is taken. */
async function serve(endpointId: string, amounts: readonly number[], ceId: string = randomUUID(), to = url()): Promise<void> {
  for (const half of ['request', 'response']) {
    await eventually(async () => {
      const answer = await fetch(`${to}/ingest/cloudevents`, { method: 'POST', headers: { authorization: as('service/runtime'), 'Content-Type': 'application/json', ...attributes(half, endpointId, ceId) }, body: bodyOf(half, amounts) });
      expect(answer.status).toBe(202);
    });
  }
}
const spread = (count: number, from = 0): number[] => Array.from({ length: count }, (_, i) => from + (i * 997) % (1_000 - from));

async function counted(endpointId: string): Promise<{ rows: number; lost: number; windows: number; open: number; alerts: number }> {
  const { rows } = await pool.query<Record<string, string>>(
    `select (select rows from monitoring.endpoint_traffic where endpoint_id = $1) as rows, (select lost from monitoring.endpoint_traffic where endpoint_id = $1) as lost,
       (select count(*) from monitoring.judged_window where endpoint_id = $1) as windows, (select count(*) from monitoring.alert where endpoint_id = $1) as alerts,
       (select (counts ->> 'rows') from monitoring.open_window o join monitoring.baseline b on b.id = o.baseline_id where b.endpoint_id = $1) as open`,
    [endpointId],
  );
  const [row] = rows;
  return { rows: Number(row?.['rows']), lost: Number(row?.['lost']), windows: Number(row?.['windows']), open: Number(row?.['open']), alerts: Number(row?.['alerts']) };
}
const whenCounted = (endpointId: string, expected: object) => eventually(async () => expect(await counted(endpointId)).toMatchObject(expected));

describe('the inference stream', () => {
  it('carries messages in file storage, within limits', async () => {
    const broker = await connect({ servers: new URL(nats.url).host });
    const { config } = await (await jetstreamManager(broker)).streams.info(INFERENCE_STREAM);
    expect(config).toMatchObject({ storage: 'file', retention: 'limits', discard: 'old', max_age: 24 * 3_600_000_000_000, max_bytes: 1_073_741_824 });
    await broker.close();
  });

  it('keeps projects apart: who logs in one under the ids of another takes nothing from it', async () => {
    const endpointId = await endpoint();
    await watch(endpointId, 100);
    const ceId = randomUUID();
    for (const half of ['request', 'response']) {
      const answer = await fetch(`${url()}/ingest/cloudevents`, {
        method: 'POST', headers: { authorization: as('machine/mole', { roles: ['ml-engineer'], projects: ['alpha'] }), 'Content-Type': 'application/json', ...attributes(half, endpointId, ceId), 'ce-namespace': 'alpha' }, body: bodyOf(half, [1, 2, 3]),
      });
      expect(answer.status).toBe(202);
    }
    await serve(endpointId, spread(10), ceId);
    await eventually(async () => {
      const { rows } = await pool.query('select project_id, state from monitoring.exchange where ce_id = $1 order by project_id', [ceId]);
      expect(rows).toEqual([{ project_id: 'alpha', state: 'complete' }, { project_id: project, state: 'complete' }]);
      expect((await pool.query('select rows from monitoring.endpoint_traffic where endpoint_id = $1 and project_id = $2', [endpointId, project])).rows).toEqual([{ rows: '10' }]);
    });
  });

  it('may lose its whole store: it is made again, and sequences from 1 are not taken for old ones', async () => {
    const endpointId = await endpoint();
    await watch(endpointId, 100);
    for (let i = 0; i < 5; i += 1) await serve(endpointId, spread(10));
    await whenCounted(endpointId, { rows: 50, open: 50 });
    await nats.restart({ emptied: true });
    for (let i = 0; i < 7; i += 1) await serve(endpointId, spread(10));
    await whenCounted(endpointId, { rows: 120, lost: 0, windows: 1, open: 20 });
  });

  it('may be killed and come back with its store: nothing is lost or counted twice', async () => {
    const endpointId = await endpoint();
    await watch(endpointId, 100);
    for (let i = 0; i < 3; i += 1) await serve(endpointId, spread(10));
    await nats.stop('SIGKILL');
    const meanwhile = serve(endpointId, spread(10), 'during-the-outage');
    await nats.restart();
    await meanwhile;
    for (let i = 0; i < 3; i += 1) await serve(endpointId, spread(10));
    await whenCounted(endpointId, { rows: 70, lost: 0, open: 70 });
  });

  it('is counted once by two replicas that read it at the same time', async () => {
    await start();
    const endpointId = await endpoint();
    await watch(endpointId, 40);
    await Promise.all(Array.from({ length: 40 }, (_, i) => serve(endpointId, spread(5), `both-${i}`, replicas[i % 2]?.url)));
    await Promise.all(Array.from({ length: 40 }, (_, i) => serve(endpointId, spread(5), `both-${i}`, replicas[(i + 1) % 2]?.url)));
    await whenCounted(endpointId, { rows: 200, lost: 0, windows: 5, open: 0 });
    await stop();
  });

  it('is read on after a restart, and what drifted before it is remembered', async () => {
    const endpointId = await endpoint();
    await watch(endpointId, 300);
    for (let i = 0; i < 31; i += 1) await serve(endpointId, spread(10, 500));
    await whenCounted(endpointId, { windows: 1, open: 10, alerts: 0 });
    await stop();
    await start();
    for (let i = 0; i < 29; i += 1) await serve(endpointId, spread(10, 500));
    await whenCounted(endpointId, { rows: 600, windows: 2, open: 0, alerts: 1 });
  });

  it('goes on after messages that expired while nobody read', async () => {
    const endpointId = await endpoint();
    await watch(endpointId, 100);
    await serve(endpointId, spread(10));
    await whenCounted(endpointId, { rows: 10 });
    await stop();
    const broker = await connect({ servers: new URL(nats.url).host });
    const publish = async (half: string, ceId: string): Promise<number> => {
      const hdrs = natsHeaders();
      for (const [name, value] of Object.entries(attributes(half, endpointId, ceId))) hdrs.set(name, value);
      return (await jetstream(broker).publish(`vitae.inference.${project}.${endpointId}`, bodyOf(half, spread(10)), { headers: hdrs })).seq;
    };
    await publish('request', 'expired');
    const last = await publish('response', 'expired');
    await (await jetstreamManager(broker)).streams.purge(INFERENCE_STREAM, { seq: last + 1 });
    await publish('request', 'kept');
    await publish('response', 'kept');
    await broker.close();
    await start();
    await serve(endpointId, spread(10));
    await whenCounted(endpointId, { rows: 30, lost: 0 });
  });

  it('passes over a message that cannot be counted, and keeps its error', async () => {
    await pool.query(`
      create function monitoring.refuse() returns trigger language plpgsql as $$ begin raise exception 'refused by the spec'; end $$;
      create trigger refuse before insert on monitoring.exchange for each row when (new.ce_id = 'poison') execute function monitoring.refuse()`);
    const endpointId = await endpoint();
    await watch(endpointId, 100);
    await Promise.all(['a', 'b', 'poison', 'c', 'd'].map((ceId) => serve(endpointId, spread(10), ceId)));
    await whenCounted(endpointId, { rows: 40, open: 40 });
    await eventually(async () => {
      const parked = await pool.query<{ error: string }>('select error from monitoring.parked_inference');
      expect(parked.rows.map(({ error }) => error)).toEqual([expect.stringContaining('refused by the spec'), expect.stringContaining('refused by the spec')]);
    });
    const ready = (await (await fetch(`${url()}/readyz`)).json()) as { checks: { name: string; parked?: number }[] };
    expect(ready.checks.find(({ name }) => name === 'inference stream')).toMatchObject({ ok: true, parked: 2 });
  });

  it('stops at once, also in the middle of traffic', async () => {
    const endpointId = await endpoint();
    const traffic = Promise.allSettled(Array.from({ length: 100 }, () => fetch(`${url()}/ingest/cloudevents`, { method: 'POST', headers: { authorization: as('service/runtime'), 'Content-Type': 'application/json', ...attributes('request', endpointId, randomUUID()) }, body: bodyOf('request', [1]) })));
    await stop();
    await traffic;
    await start();
  });
});

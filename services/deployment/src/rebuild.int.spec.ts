import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ActorKind, ActorSchema, ModelRegisteredSchema, ModelVersionRegisteredSchema, ModelVersionRetiredSchema } from '@vitae/contracts';
import { append, transactOn } from '@vitae/event-store';
import { boot, rebuildViews, type Running } from '@vitae/service-kit';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import fc from 'fast-check';
import pg from 'pg';
import { v7 as uuid } from 'uuid';
import { deployment } from './app.module.ts';

let database: FreshDatabase, nats: FreshNats, service: Running, pool: pg.Pool;
let stopSequencer: () => Promise<void>;
const digest = `sha256:${'a'.repeat(64)}`;
const TABLES = ['environment', 'endpoint', 'variant', 'rollout', 'model', 'model_version', 'permit'];

beforeAll(async () => {
  [database, nats] = await Promise.all([freshDatabase(), freshNats()]);
  service = await boot(deployment, {
    ...specAccess(), LOG_LEVEL: 'silent', PORT: '0', DATABASE_URL: database.url, NATS_URL: nats.url,
    RUNTIME_URL: 'http://127.0.0.1:1', REGISTRY_URL: 'http://registry.test', VITAE_RECONCILE_MS: '60000',
  });
  pool = new pg.Pool({ connectionString: database.url, max: 4 });
  pool.on('error', () => undefined);
  let stopping = false;
  const sequencing = (async () => {
    while (!stopping) {
      await pool.query('select ledger.sequence(1000)');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  stopSequencer = async () => {
    stopping = true;
    await sequencing;
  };
});
afterAll(async () => {
  await service?.stop();
  await stopSequencer?.();
  await pool?.end();
  await Promise.all([database.drop(), nats.drop()]);
});

async function post(path: string, body: object): Promise<{ status: number; id: string }> {
  const response = await fetch(`${service.url}/v1/projects/bank${path}`, { method: 'POST', headers: { authorization: as('human/dana'), 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return { status: response.status, ...((await response.json()) as { id: string }) };
}
/** What another service says. */
const said = (stream: string, ...events: Parameters<typeof append>[1]['events']) =>
  transactOn(pool)((tx) =>
    append(tx.sql, {
      stream, expected: 'any', events, subjects: [],
      attribution: { projectId: 'bank', actor: create(ActorSchema, { id: 'registry', kind: ActorKind.SYSTEM }), reason: '', occurredAt: '2026-11-20T09:00:00.000Z', correlationId: 'c', causationId: '', traceparent: '' },
    }),
  );
async function model(): Promise<{ modelId: string; modelVersionId: string }> {
  const [modelId, modelVersionId] = [uuid(), uuid()];
  await said(`registry.Model-${modelId}`, create(ModelRegisteredSchema, { modelId, name: 'm', task: 't', useCaseId: modelId }));
  const tensor = { name: 'x', datatype: 'FP32', shape: [1n] };
  await said(
    `registry.ModelVersion-${modelVersionId}`,
    create(ModelVersionRegisteredSchema, {
      modelVersionId, modelId, modelName: 'm', version: 1, artefact: { digest, files: [{ path: 'm.onnx', digest, sizeBytes: 1n }], format: 'onnx' }, inputs: [tensor], outputs: [tensor],
      datasetVersionId: modelId, datasetDigest: digest, source: { repository: 'r', commit: 'abcdef0' }, contributors: ['dana'], useCaseId: modelId,
    }),
  );
  return { modelId, modelVersionId };
}
let names = 0;
const environment = () => post('/environments', { name: `e-${(names += 1)}`, class: 'development' });
/** A model, an environment, an endpoint and a variant at it. */
async function deploy(): Promise<string> {
  const { modelId, modelVersionId } = await model();
  const name = `e-${(names += 1)}`;
  await post('/environments', { name, class: 'development' });
  const { id } = await post('/endpoints', { name: `endpoint-${(names += 1)}`, environment: name, modelId });
  expect((await post(`/endpoints/${id}/variants`, { modelVersionId })).status).toBe(201);
  return id;
}
const rebuild = (options: Partial<Parameters<typeof rebuildViews>[2]> = {}) => rebuildViews(deployment, database.url, { swap: true, ...options });
const content = async () => Object.fromEntries(await Promise.all(TABLES.map(async (table) => [table, (await pool.query<{ row: string }>(`select t::text as row from deployment.${table} t order by 1`)).rows.map(({ row }) => row)])));
const caughtUp = () =>
  eventually(async () => {
    const { rows } = await pool.query(`select 1 from ledger.head h where not exists (select from ledger.unsequenced) and h.next_index = all (select next_index from messaging.bookmark where consumer like 'deployment.%')`);
    expect(rows).toHaveLength(1);
  });

describe('the views of deployment, rebuilt from the ledger', () => {
  it('are what they were, whatever was commanded, and at whatever moment', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(environment, deploy, model), { minLength: 1, maxLength: 5 }), async (commands) => {
        await Promise.all(commands.map((command) => command()));
        const { tables } = await rebuild({ swap: false }); // while consumers are behind or not
        for (const table of tables) expect(table).toMatchObject({ unfounded: 0, missing: 0 });
      }),
      { numRuns: 4 },
    );
    await deploy(); // whatever was drawn above
    await caughtUp();
    const before = await content();
    expect(await rebuild()).toMatchObject({ swapped: true });
    expect(await content()).toEqual(before);
    expect(before['variant']?.length).toBeGreaterThan(0);
    const { rows } = await pool.query<{ table: string }>(`select relname as table from pg_class c where relnamespace = 'deployment'::regnamespace and relforcerowsecurity and exists (select from pg_policy where polrelid = c.oid and polname = 'projects')`);
    expect(rows.map(({ table }) => table)).toEqual(expect.arrayContaining([...TABLES])); // row-level security, too
  });

  it('are compared with those that serve, which stay as they are until they are exchanged', async () => {
    const endpointId = await deploy();
    await caughtUp();
    const honest = await content();
    await pool.query(`update deployment.endpoint set name = 'tampered' where id = $1`, [endpointId]);
    await pool.query('delete from deployment.variant where endpoint_id = $1', [endpointId]);
    await pool.query(`insert into deployment.model values ($1, 'bank', 'invented')`, [uuid()]);
    const tampered = await content();
    const { swapped, tables } = await rebuild({ swap: false });
    expect(swapped).toBe(false);
    const found = Object.fromEntries(tables.map(({ table, unfounded, missing }) => [table, [unfounded, missing]]));
    expect(found).toEqual({ environment: [0, 0], endpoint: [1, 1], variant: [0, 1], rollout: [0, 0], model: [1, 0], model_version: [0, 0], permit: [0, 0] });
    expect(tables.find(({ table }) => table === 'endpoint')?.examples.unfounded[0]).toContain('tampered');
    expect(await content()).toEqual(tampered);
    await rebuild();
    expect(await content()).toEqual(honest);
  });

  it('are exchanged under commands and events that go on, and lose none', async () => {
    let going = true;
    const made: string[] = [];
    const retired: string[] = [];
    const writers = [
      ...[1, 2].map(async () => {
        for (let i = 0; going && i < 150; i += 1) {
          const { status, id } = await environment();
          expect(status).toBe(201);
          made.push(id);
        }
      }),
      (async () => {
        for (let i = 0; going && i < 60; i += 1) {
          const { modelId, modelVersionId } = await model();
          await said(`registry.ModelVersion-${modelVersionId}`, create(ModelVersionRetiredSchema, { modelVersionId, modelId, version: 1, retirementId: modelId }));
          retired.push(modelVersionId);
        }
      })(),
    ];
    for (let i = 0; i < 3; i += 1) expect(await rebuild()).toMatchObject({ swapped: true });
    going = false;
    await Promise.all(writers);
    await caughtUp();
    const { rows: environments } = await pool.query<{ id: string }>('select id from deployment.environment where id = any($1)', [made]);
    expect(environments.map(({ id }) => id).sort()).toEqual([...made].sort());
    const { rows: versions } = await pool.query<{ id: string; retired: boolean }>('select id, retired from deployment.model_version where id = any($1)', [retired]);
    expect(versions).toHaveLength(retired.length);
    expect(versions.every((version) => version.retired)).toBe(true);
    const { tables } = await rebuild({ swap: false });
    for (const table of tables) expect(table).toMatchObject({ unfounded: 0, missing: 0 });
  });

  it('go on where a rebuild was killed, which had changed nothing that serves', async () => {
    await deploy();
    await caughtUp();
    const before = await content();
    let killedAt = 0;
    const killed = rebuild({
      page: 5,
      onProgress: async ({ index }) => {
        if (killedAt === 0) await pool.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'vitae-deployment-rebuild'`);
        killedAt ||= index;
      },
    });
    await expect(killed).rejects.toThrow();
    expect(await content()).toEqual(before);
    const report = await rebuild();
    expect(report.resumedAt).toBeGreaterThanOrEqual(killedAt);
    expect(report).toMatchObject({ swapped: true });
    expect(await content()).toEqual(before);
  });

  it('are compared by a process of its own, which may be killed', async () => {
    const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
    const start = () => {
      const node = ['--conditions=@vitae/source', '--import', here('../../../libs/service-kit/swc-hook.mjs'), here('./main.ts')];
      return spawn(process.execPath, [...node, 'rebuild', '--compare'], { env: { PATH: process.env['PATH'], DATABASE_URL: database.url }, stdio: ['ignore', 'pipe', 'inherit'] });
    };
    await caughtUp();
    const before = await content();
    await rebuild();
    const killed = start();
    await once(killed.stdout, 'data'); // it has done a part, or all
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    expect(await content()).toEqual(before);

    await pool.query(`update deployment.environment set region = 'tampered' where id = (select id from deployment.environment limit 1)`);
    const child = start();
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    expect(await once(child, 'close')).toEqual([1, null]);
    const { report } = JSON.parse(said.trim().split('\n').at(-1) ?? '') as { report: { tables: { table: string; unfounded: number }[] } };
    expect(report.tables.find(({ table }) => table === 'environment')).toMatchObject({ unfounded: 1, missing: 1 });
    expect(await rebuild()).toMatchObject({ swapped: true });
    expect(await content()).toEqual(before);
  });

  it('react to nothing: no event is appended by it', async () => {
    await caughtUp();
    const count = async () => (await pool.query<{ n: string }>("select count(*) as n from ledger.event where type not like 'vitae.access.%'")).rows[0]?.n;
    const before = await count();
    await rebuild();
    expect(await count()).toBe(before);
  });

  it('are rebuilt by one at a time', async () => {
    const results = await Promise.allSettled([rebuild({ swap: false }), rebuild({ swap: false })]);
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ name: 'RebuildNotPossible', message: expect.stringMatching(/already/) });
  });
});

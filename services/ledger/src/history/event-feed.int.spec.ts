import { get as httpGet } from 'node:http';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ModelRegisteredSchema, UseCaseSubmittedSchema } from '@vitae/contracts';
import { ledgerMigrations, migrate } from '@vitae/event-store';
import { boot, type Running } from '@vitae/service-kit';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { ledger } from '../app.module.ts';
import { write } from './written.fixture.ts';

let database: FreshDatabase;
let broker: FreshNats;
let pool: Pool;
let service: Running;

const start = (port = '0'): Promise<Running> =>
  boot(ledger, { ...specAccess(), PORT: port, DATABASE_URL: database.url, NATS_URL: broker.url, LOG_LEVEL: 'silent' });

beforeAll(async () => {
  [database, broker] = await Promise.all([freshDatabase(), freshNats()]);
  await migrate(database.url, ledgerMigrations);
  pool = new Pool({ connectionString: database.url, max: 6 });
  pool.on('error', () => undefined);
  service = await start();
});
afterAll(async () => {
  await service.stop();
  await pool.end();
  await Promise.all([broker.drop(), database.drop()]);
});

const submitted = (actor = 'dana', projectId = 'credit') =>
  write(pool, { stream: `governance.UseCase-${uuidv7()}`, events: [create(UseCaseSubmittedSchema, { useCaseId: uuidv7() })], actor, projectId });

/** A reader as a browser's EventSource is one: it comes again with its last id until it is told to leave. */
function subscriber(query = '') {
  const received: { id: number; type: string; data: { envelope: { id: string; index: string } } }[] = [];
  const leave = new AbortController();
  let last: string | undefined;
  let connections = 0;
  const read = async (): Promise<void> => {
    const response = await fetch(`${service.url}/v1/projects/credit/events/feed${query}`, { headers: { authorization: as('human/audrey'), ...(last === undefined ? {} : { 'Last-Event-ID': last }) }, signal: leave.signal });
    if (!response.ok || !response.body) throw new Error(`feed answered ${response.status}`);
    connections += 1;
    let rest = '';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
        last = field('id') ?? last;
        const data = field('data');
        if (data !== undefined) received.push({ id: Number(field('id')), type: field('event') ?? '', data: JSON.parse(data) as never });
      }
    }
  };
  const done = (async () => {
    while (!leave.signal.aborted) await read().catch(() => new Promise((resolve) => setTimeout(resolve, 20)));
  })();
  return {
    received,
    connections: () => connections,
    leave: async () => {
      leave.abort();
      await done;
    },
  };
}

describe('the live feed', () => {
  it('misses nothing, doubles nothing and keeps the order for all its readers, while the service restarts and others append', async () => {
    const readers = [subscriber('?from=0'), subscriber('?from=0'), subscriber('?from=0&actor=erin'), subscriber('?from=0&type=registry'), subscriber('?from=0&subject=model:a')];
    const writers = Array.from({ length: 4 }, (_, w) => async () => {
      for (let i = 0; i < 15; i += 1) {
        if (i % 5 === 0) await submitted('dana', 'fraud');
        if (i % 3 === 0) await submitted('erin');
        else await write(pool, { stream: `registry.Model-${uuidv7()}`, events: [create(ModelRegisteredSchema, { modelId: uuidv7(), name: 'm', task: 't', useCaseId: uuidv7() })], subjects: w % 2 ? ['model:a'] : [] });
      }
    });
    const { port } = new URL(service.url);
    for (let round = 0; round < 4; round += 1) {
      const seen = readers[0]?.received.length ?? 0;
      const writing = Promise.all(writers.map((writer) => writer()));
      await eventually(() => expect(readers[0]?.received.length).toBeGreaterThan(seen));
      await service.stop();
      service = await start(port);
      await writing;
    }

    const stored = await eventually(async () => {
      const { rows } = await pool.query<{ index: string; id: string; type: string; subjects: string[]; actor: string }>(
        `select n.index, e.id, e.type, e.subjects, e.metadata -> 'actor' ->> 'id' as actor from ledger.event e left join ledger.entry n on n.seq = e.seq where e.project_id = 'credit' order by n.index`,
      );
      expect(rows).toHaveLength(4 * 4 * 15);
      expect(rows.every(({ index }) => index !== null)).toBe(true);
      return rows;
    });
    const about = [() => true, () => true, (row: (typeof stored)[number]) => row.actor === 'erin', (row: (typeof stored)[number]) => row.type.startsWith('vitae.registry.'), (row: (typeof stored)[number]) => row.subjects.includes('model:a')];
    for (const [i, { received, leave, connections }] of readers.entries()) {
      const wanted = stored.filter(about[i] as () => boolean).map(({ index, id, type }) => ({ id: Number(index), type, event: id }));
      await eventually(() => expect(received.length).toBeGreaterThanOrEqual(wanted.length));
      expect(received.map(({ id, type, data }) => ({ id, type, event: data.envelope.id }))).toEqual(wanted);
      expect(connections()).toBeGreaterThan(1);
      await leave();
    }
  });

  it('begins with what comes next when nobody says from where', async () => {
    const reader = subscriber();
    await eventually(() => expect(reader.connections()).toBe(1));
    const [event] = await submitted();
    await eventually(() => expect(reader.received.map(({ data }) => data.envelope.id)).toEqual([event?.id]));
    await reader.leave();
  });

  it('lets the service stop at once, also with a reader who takes nothing', async () => {
    await write(pool, { stream: `governance.UseCase-${uuidv7()}`, events: Array.from({ length: 500 }, () => create(UseCaseSubmittedSchema, { useCaseId: uuidv7() })), reason: 'x'.repeat(2_000) });
    const { port } = new URL(service.url);
    const request = httpGet(`${service.url}/v1/events/feed?from=0`, (response) => response.pause());
    const closed = new Promise((resolve) => request.once('close', resolve));
    await new Promise((resolve) => request.once('response', resolve));
    const reader = subscriber('?from=0');
    await eventually(() => expect(reader.received.length).toBeGreaterThan(0));
    await service.stop();
    request.destroy();
    await closed;
    service = await start(port);
    await reader.leave();
  });

  it.each(['-1', '1.5', 'x'])('refuses Last-Event-ID: %s', async (id) => {
    expect((await fetch(`${service.url}/v1/projects/credit/events/feed`, { headers: { authorization: as('human/audrey'), 'Last-Event-ID': id } })).status).toBe(400);
  });
});

import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { get as httpGet } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ModelRegisteredSchema, UseCaseSubmittedSchema } from '@vitae/contracts';
import { ledgerMigrations, migrate } from '@vitae/event-store';
import { API_TOKEN_BYTES, apiTokenText, boot, readApiToken, type Running } from '@vitae/service-kit';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { ledger } from '../app.module.ts';
import { write } from './written.fixture.ts';

let database: FreshDatabase;
let broker: FreshNats;
let pool: Pool;
let service: Running;

const grantsFile = join(tmpdir(), `vitae-feed-grants-${uuidv7()}.json`);
/** The grants of all specs, and those given here. */
async function grant(...more: readonly object[]): Promise<void> {
  const { grants } = JSON.parse(await readFile(specAccess().VITAE_GRANTS_FILE, 'utf8')) as { grants: object[] };
  await writeFile(grantsFile, JSON.stringify({ grants: [...grants, ...more] }));
}

const start = (port = '0'): Promise<Running> =>
  boot(ledger, { ...specAccess(), VITAE_GRANTS_FILE: grantsFile, PORT: port, DATABASE_URL: database.url, NATS_URL: broker.url, LOG_LEVEL: 'silent' });

beforeAll(async () => {
  [database, broker] = await Promise.all([freshDatabase(), freshNats()]);
  await migrate(database.url, ledgerMigrations);
  pool = new Pool({ connectionString: database.url, max: 6 });
  pool.on('error', () => undefined);
  await grant({ group: 'follower', role: 'viewer', projects: ['credit'] });
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

describe('a feed and the rights of its reader', () => {
  const feed = (authorization: string, last?: string) => fetch(`${service.url}/v1/projects/credit/events/feed?from=0`, { headers: { authorization, ...(last === undefined ? {} : { 'Last-Event-ID': last }) } });

  async function apiToken(): Promise<{ id: string; authorization: string }> {
    const text = apiTokenText(randomBytes(API_TOKEN_BYTES));
    const { id, hash } = readApiToken(text)!;
    await pool.query(`insert into access.api_token (id, name, owner, projects, permissions, secret_hash, created_at, expires_at) values ($1, 'bi', 'ben', '{credit}', '{history.read}', $2, now(), now() + interval '1 hour')`, [id, hash]);
    return { id, authorization: `Bearer ${text}` };
  }

  it('ends with the token, its revocation or the role, may be taken up again by who may, and goes on for all others', async () => {
    const now = Math.floor(Date.now() / 1000);
    const token = await apiToken();
    const readers = {
      expiring: as('human/erin', { projects: ['credit'], claims: { iat: now - 600, exp: now - 24 } }), // clocks may differ by 30 s
      revoked: token.authorization,
      'without a role': as('human/fay', { roles: ['follower'] }),
      allowed: as('human/audrey'),
    };
    const over: string[] = [];
    const open = new Map<string, { last: string | undefined; cancel(): void }>();
    for (const [name, authorization] of Object.entries(readers)) {
      const response = await feed(authorization);
      expect([name, response.status]).toEqual([name, 200]);
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      const state: { last: string | undefined; cancel(): void } = { last: undefined, cancel: () => void reader.cancel() };
      open.set(name, state);
      void (async () => {
        for (let next = await reader.read(); !next.done; next = await reader.read()) state.last = [...next.value.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1] ?? state.last;
        over.push(name);
      })();
    }
    await eventually(() => expect([...open.values()].every(({ last }) => last !== undefined)).toBe(true));
    await pool.query('update access.api_token set revoked_at = now() where id = $1', [token.id]);
    await grant();

    await eventually(() => expect(over.toSorted()).toEqual(['expiring', 'revoked', 'without a role']), { timeout: 60_000 });
    const [event] = await submitted();
    await eventually(async () => {
      const { rows } = await pool.query<{ index: string }>('select n.index from ledger.event e join ledger.entry n on n.seq = e.seq where e.id = $1', [event?.id]);
      expect(open.get('allowed')?.last).toBe(String(rows[0]?.index));
    });
    open.get('allowed')?.cancel();
    for (const [name, status] of [['expiring', 401], ['revoked', 401], ['without a role', 403], ['allowed', 200]] as const) {
      const again = await feed(readers[name], open.get(name)?.last);
      expect([name, again.status]).toEqual([name, status]);
      await again.body?.cancel();
    }
  }, 90_000);
});

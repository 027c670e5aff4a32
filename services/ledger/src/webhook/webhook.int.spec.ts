import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ActorKind, ActorSchema, UseCaseSubmittedSchema } from '@vitae/contracts';
import { append, transactOn, type AppendRequest, type RecordedEvent } from '@vitae/event-store';
import { boot, type Running } from '@vitae/service-kit';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import { Pool } from 'pg';
import { Webhook } from 'standardwebhooks';
import { v7 as uuidv7 } from 'uuid';
import { ledger } from '../app.module.ts';
import { pruneDeliveries } from './deliveries.view.ts';
import { WebhookSecrets } from './secret.store.ts';

let database: FreshDatabase;
let keys: FreshDatabase;
let nats: FreshNats;
let pool: Pool;
let directory: string;
let services: Running[];
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  [database, keys, nats, directory] = await Promise.all([freshDatabase(), freshDatabase(), freshNats(), mkdtemp(join(tmpdir(), 'vitae-webhooks-'))]);
  env = {
    ...specAccess(),
    PORT: '0',
    DATABASE_URL: database.url,
    KEYRING_DATABASE_URL: keys.url,
    VITAE_TENANT_KEY_FILE: join(directory, 'tenant.key'),
    NATS_URL: nats.url,
    LOG_LEVEL: 'silent',
    VITAE_DATA_DIR: directory,
    VITAE_WEBHOOK_ALLOW_PRIVATE: 'true',
    VITAE_WEBHOOK_FIRST_RETRY_MS: '20',
    VITAE_WEBHOOK_TIMEOUT_MS: '2000',
  };
  // Two replicas from the start: everything below must hold with both at work.
  services = [await boot(ledger, env), await boot(ledger, env)];
  pool = new Pool({ connectionString: database.url, max: 4 });
});
afterAll(async () => {
  await Promise.all(services.map((service) => service.stop()));
  await pool.end();
  await Promise.all([nats.drop(), database.drop(), keys.drop(), rm(directory, { recursive: true, force: true })]);
});

interface Message {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A real HTTP receiver that keeps what it is sent. `answer` may hold a message back. */
class Receiver {
  readonly got: Message[] = [];
  answer: (response: ServerResponse, message: Message) => void = (response) => void response.writeHead(204).end();
  #server: Server | undefined;
  #port = 0;

  static async open(): Promise<Receiver> {
    const made = new Receiver();
    await made.start();
    receivers.push(made);
    return made;
  }
  async start(): Promise<void> {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const message = { headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
        this.got.push(message);
        this.answer(response, message);
      });
    }).listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }
  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise<void>((resolve) => (this.#server ? this.#server.close(() => resolve()) : resolve()));
    this.#server = undefined;
  }
  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
  }
  /** Indices in the order in which they came. */
  get indices(): number[] {
    return this.got.map(({ body }) => Number((JSON.parse(body) as { index: string }).index));
  }
}
const receivers: Receiver[] = [];
const subscribed: string[] = [];
afterEach(async () => {
  for (const path of subscribed.splice(0)) await call('DELETE', path);
  for (const one of receivers.splice(0)) await one.stop();
});

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${services[0]?.url}/v1/projects/${path}`, {
    method,
    headers: { authorization: as('human/dana'), ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Record<string, unknown> };
}

/** Subscribes a receiver and answers the webhook's path and secret. */
async function subscribe(url: string, { project = 'credit', ...more }: { project?: string; types?: string[]; subjects?: string[] } = {}) {
  const { status, body } = await call('POST', `${project}/webhooks`, { url, ...more });
  expect(status).toBe(201);
  const path = `${project}/webhooks/${body['id'] as string}`;
  subscribed.push(path);
  return { path, id: body['id'] as string, secret: body['secret'] as string };
}

const store = (more: Partial<AppendRequest> & { project?: string } = {}): Promise<readonly RecordedEvent[]> =>
  transactOn(pool)((tx) =>
    append(tx.sql, {
      stream: `governance.UseCase-${uuidv7()}`,
      expected: 'noStream',
      events: [create(UseCaseSubmittedSchema, { useCaseId: uuidv7() })],
      subjects: ['model:m-1'],
      attribution: {
        projectId: more.project ?? 'credit',
        actor: create(ActorSchema, { id: 'dana', kind: ActorKind.HUMAN }),
        reason: 'weil es größer ist',
        occurredAt: '2026-11-20T09:00:00.000Z',
        correlationId: 'c',
        causationId: '',
        traceparent: '',
      },
      ...more,
    }),
  );
const several = async (n: number, more: Parameters<typeof store>[0] = {}): Promise<string[]> => {
  const ids: string[] = [];
  for (let i = 0; i < n; i += 1) ids.push((await store(more))[0]?.id ?? '');
  return ids;
};
const idsOf = ({ got }: Receiver): (string | undefined)[] => got.map(({ headers }) => headers['webhook-id'] as string | undefined);
/** Answers fail from now on, until the function that comes back is called. */
const fail = (receiver: Receiver, status: number, headers: Record<string, string> = {}) => {
  const before = receiver.answer;
  receiver.answer = (response) => void response.writeHead(status, headers).end('not now');
  return () => void (receiver.answer = before);
};
const log = async (path: string, query = '') => (await call('GET', `${path}/deliveries${query}`)).body as unknown as { items: Record<string, unknown>[]; next?: number };

describe('webhooks', () => {
  it('tell of every wanted event, in order, signed as Standard Webhooks and written as CloudEvents', async () => {
    const receiver = await Receiver.open();
    const { secret, path } = await subscribe(receiver.url);
    const ids = await several(30);
    await eventually(() => expect(idsOf(receiver)).toEqual(ids));
    expect(receiver.indices).toEqual([...receiver.indices].sort((a, b) => a - b));
    for (const { headers, body } of receiver.got) {
      expect(headers['content-type']).toBe('application/cloudevents+json; charset=utf-8');
      // A verifier that is not ours.
      const event = new Webhook(secret).verify(body, headers as Record<string, string>) as Record<string, unknown>;
      expect(event).toMatchObject({ specversion: '1.0', id: headers['webhook-id'], type: 'vitae.governance.v1.UseCaseSubmitted', projectid: 'credit', subjects: 'model:m-1', reason: 'weil es größer ist', actorid: 'dana' });
      const [stored] = (await pool.query<{ payload: string }>('select payload::text from ledger.event where id = $1', [event['id']])).rows;
      expect(body).toContain(`"data":${stored?.payload}}`); // the stored bytes, for whoever hashes them
    }
    expect(() => new Webhook(`whsec_${Buffer.alloc(32).toString('base64')}`).verify(receiver.got[0]?.body ?? '', receiver.got[0]?.headers as Record<string, string>)).toThrow('No matching signature');
    const { items, next } = await log(path, '?limit=20');
    expect(items).toHaveLength(20);
    expect(items[0]).toEqual({ index: expect.any(Number), eventId: ids[29], type: 'vitae.governance.v1.UseCaseSubmitted', state: 'delivered', attempts: 1, replays: 0, triedAt: expect.any(String), responseStatus: 204, response: '', error: null, durationMs: expect.any(Number) });
    expect((await log(path, `?limit=20&before=${next}`)).items.map(({ eventId }) => eventId)).toEqual(ids.slice(0, 10).reverse());
  });

  it('tell only of what the filter wants, from its own event on, and of no other project', async () => {
    const [byType, bySubject, everywhere, none] = [await Receiver.open(), await Receiver.open(), await Receiver.open(), await Receiver.open()];
    await store({ subjects: ['endpoint:before'] });
    await subscribe(byType.url, { types: ['vitae.governance.v1.*'], subjects: ['endpoint:*'] });
    await subscribe(bySubject.url, { subjects: ['model:m-2'] });
    await subscribe(everywhere.url, { project: 'vitae', types: ['vitae.governance.v1.UseCaseSubmitted'] });
    await subscribe(none.url, { types: ['vitae.registry.v1.*'] });
    const [endpoint] = await several(1, { subjects: ['endpoint:e-1', 'model:m-1'] });
    const [second] = await several(1, { subjects: ['model:m-2'] });
    const [elsewhere] = await several(1, { project: 'fraud', subjects: ['model:m-2', 'endpoint:e-1'] });
    await eventually(() => expect(idsOf(everywhere)).toEqual([endpoint, second, elsewhere]));
    await eventually(() => expect([idsOf(byType), idsOf(bySubject)]).toEqual([[endpoint], [second]]));
    expect(none.got).toEqual([]);
  });

  it('wait while the receiver is down, and then tell of everything in order', async () => {
    const receiver = await Receiver.open();
    const { path } = await subscribe(receiver.url);
    await receiver.stop();
    const ids = await several(10);
    await eventually(async () => expect((await log(path, '?state=waiting')).items.at(-1)).toMatchObject({ attempts: expect.any(Number), error: expect.stringContaining('ECONNREFUSED') }));
    await receiver.start();
    await eventually(() => expect(idsOf(receiver)).toEqual(ids));
  });

  it('try again after an error, with the same id, and keep the order behind it', async () => {
    const receiver = await Receiver.open();
    await subscribe(receiver.url);
    const mend = fail(receiver, 500);
    const ids = await several(3);
    await eventually(() => expect(receiver.got.length).toBeGreaterThan(2));
    mend();
    await eventually(() => expect([...new Set(idsOf(receiver))]).toEqual(ids));
  });

  it('do not follow a redirect', async () => {
    const [receiver, target] = [await Receiver.open(), await Receiver.open()];
    const { path } = await subscribe(receiver.url);
    fail(receiver, 307, { location: target.url });
    await several(1);
    await eventually(async () => expect((await log(path)).items[0]).toMatchObject({ state: 'waiting', responseStatus: 307 }));
    expect(target.got).toEqual([]);
  });

  it('leave a receiver alone as long as it asks for', async () => {
    const receiver = await Receiver.open();
    const { path } = await subscribe(receiver.url);
    fail(receiver, 429, { 'retry-after': '3600' });
    await several(1);
    await eventually(async () => expect((await log(path)).items[0]).toMatchObject({ state: 'waiting', attempts: 1, responseStatus: 429 }));
    const { nextTryAt } = (await call('GET', path)).body as { nextTryAt: string };
    expect(Date.parse(nextTryAt) - Date.now()).toBeGreaterThan(10_000); // capped at 720 times the first wait
  });

  it('are not held up by a receiver that does not answer', async () => {
    const [slow, quick] = [await Receiver.open(), await Receiver.open()];
    slow.answer = () => undefined;
    await subscribe(slow.url);
    await eventually(() => several(1).then(() => expect(slow.got.length).toBeGreaterThan(0)));
    await subscribe(quick.url);
    const ids = await several(20);
    await eventually(() => expect(idsOf(quick)).toEqual(ids));
  });

  it('put aside an event that the receiver refuses for good, go on, and send it again when asked', async () => {
    const receiver = await Receiver.open();
    const { path } = await subscribe(receiver.url);
    const [poison, next] = await several(2);
    receiver.answer = (response, { headers }) => void response.writeHead(headers['webhook-id'] === poison ? 422 : 200).end('no such model');
    await eventually(() => expect(idsOf(receiver).at(-1)).toBe(next));
    const dead = (await log(path, '?state=dead')).items;
    expect(dead).toEqual([expect.objectContaining({ eventId: poison, attempts: 5, responseStatus: 422, response: 'no such model' })]);
    expect((await call('GET', path)).body).toMatchObject({ state: 'active', dead: 1 });

    receiver.answer = (response) => void response.writeHead(200).end();
    expect((await call('POST', `${path}/deliveries/${dead[0]?.['index'] as number}/replay`)).status).toBe(200);
    await eventually(async () => expect((await log(path)).items.at(-1)).toMatchObject({ eventId: poison, state: 'delivered', replays: 1 }));
    expect(idsOf(receiver).at(-1)).toBe(poison);
    expect((await call('POST', `${path}/deliveries/999999/replay`)).status).toBe(404);
  });

  it('are suspended by an event when the receiver is gone, keep what comes, and go on when resumed', async () => {
    const receiver = await Receiver.open();
    const { path, id } = await subscribe(receiver.url);
    const mend = fail(receiver, 410);
    const [first, second] = await several(2);
    await eventually(async () => expect((await call('GET', path)).body).toMatchObject({ state: 'suspended', trouble: 'the receiver answered 410', waiting: 1, dead: 1 }));
    const [event] = (await pool.query(`select metadata->'actor' as actor, payload from ledger.event where type like '%WebhookSuspended' and stream = $1`, [`ledger.Webhook-${id}`])).rows;
    expect(event).toMatchObject({ actor: { id: 'ledger', kind: 'ACTOR_KIND_SYSTEM' }, payload: { failure: 'WEBHOOK_FAILURE_GONE', attempts: 1 } });
    mend();
    await call('POST', `${path}/resume`);
    await eventually(() => expect(idsOf(receiver)).toEqual([first, second]));
  });

  it('send nothing while paused, and everything afterwards', async () => {
    const receiver = await Receiver.open();
    const { path } = await subscribe(receiver.url);
    await call('POST', `${path}/pause`);
    const ids = await several(3);
    await eventually(async () => expect((await call('GET', path)).body).toMatchObject({ state: 'paused', waiting: 3 }));
    expect(receiver.got).toEqual([]);
    await call('POST', `${path}/resume`);
    await eventually(() => expect(idsOf(receiver)).toEqual(ids));
  });

  it('are sent earlier events when asked: first how many, then the events', async () => {
    const subject = `model:${uuidv7()}`;
    const ids = await several(4, { subjects: [subject] });
    const [{ index: from } = { index: '0' }] = await eventually(async () => {
      const { rows } = await pool.query<{ index: string }>('select n.index from ledger.entry n join ledger.event e using (seq) where e.id = any($1) order by n.index', [ids]);
      expect(rows).toHaveLength(4);
      return rows;
    });
    const receiver = await Receiver.open();
    const { path } = await subscribe(receiver.url, { subjects: [subject] });
    expect((await call('POST', `${path}/replay?from=${from}`)).body).toMatchObject({ dryRun: true, wanted: 4 });
    expect(receiver.got).toEqual([]);
    expect((await call('POST', `${path}/replay?from=${from}&dryRun=false`)).body).toMatchObject({ dryRun: false, wanted: 4 });
    await eventually(() => expect(idsOf(receiver)).toEqual(ids));
    expect((await call('POST', `${path}/replay?from=99999999&dryRun=false`)).status).toBe(422);
  });

  it('sign with two secrets while one takes over, and show each secret once', async () => {
    const receiver = await Receiver.open();
    const { path, secret } = await subscribe(receiver.url);
    const rotated = (await call('POST', `${path}/secret`, {})).body['secret'] as string;
    expect(rotated).toMatch(/^whsec_/);
    expect((await call('POST', `${path}/ping`)).body).toMatchObject({ ok: true, responseStatus: 204 });
    const last = () => [receiver.got.at(-1)?.body ?? '', receiver.got.at(-1)?.headers as Record<string, string>] as const;
    for (const valid of [secret, rotated]) expect(new Webhook(valid).verify(...last())).toMatchObject({ type: 'vitae.webhook.ping' });

    const leaked = (await call('POST', `${path}/secret`, { overlapHours: 0 })).body['secret'] as string;
    await call('POST', `${path}/ping`);
    expect(new Webhook(leaked).verify(...last())).toBeTruthy();
    for (const ended of [secret, rotated]) expect(() => new Webhook(ended).verify(...last())).toThrow('No matching signature');

    // Nowhere but sealed: not in an answer, not in an event, not in the row.
    const seen = JSON.stringify([
      (await call('GET', path)).body,
      (await call('GET', 'credit/webhooks')).body,
      (await pool.query('select payload::text, metadata::text from ledger.event')).rows,
      (await pool.query(`select encode(sealed, 'escape') as sealed from webhooks.secret`)).rows,
    ]);
    for (const one of [secret, rotated, leaked]) expect(seen).not.toContain(one.slice(6));
    expect((await stat(join(directory, 'webhook.key'))).mode & 0o777).toBe(0o600);
    expect(Buffer.from(await readFile(join(directory, 'webhook.key'), 'utf8'), 'base64')).toHaveLength(32);
  });

  it('give a repeated request no second webhook and no second look at the secret', async () => {
    const receiver = await Receiver.open();
    const headers = { 'idempotency-key': uuidv7() };
    const [first, again] = [await call('POST', 'credit/webhooks', { url: receiver.url }, headers), await call('POST', 'credit/webhooks', { url: receiver.url }, headers)];
    subscribed.push(`credit/webhooks/${first.body['id'] as string}`);
    expect(again.body['id']).toBe(first.body['id']);
    expect([typeof first.body['secret'], again.body['secret']]).toEqual(['string', undefined]);
  });

  it('show what somebody wrote about them, and keep it sealed', async () => {
    const { body } = await call('POST', 'credit/webhooks', { url: 'http://127.0.0.1:9/', description: 'for Dana in risk', types: ['vitae.none.*'] });
    subscribed.push(`credit/webhooks/${body['id'] as string}`);
    expect((await call('GET', `credit/webhooks/${body['id'] as string}`)).body).toMatchObject({ description: 'for Dana in risk' });
    const { rows } = await pool.query('select e.payload::text, w.description from ledger.event e, webhooks.webhook w where w.id = $1 and e.stream = $2', [body['id'], body['stream']]);
    expect(rows).toEqual([{ payload: expect.stringContaining('"enc:v1:'), description: expect.stringMatching(/^enc:v1:/) }]);
  });

  it('end for good', async () => {
    const receiver = await Receiver.open();
    const { path, id } = await subscribe(receiver.url);
    fail(receiver, 500);
    await several(2);
    await eventually(() => expect(receiver.got.length).toBeGreaterThan(0));
    expect((await call('DELETE', path)).status).toBe(200);
    expect((await call('GET', path)).status).toBe(404);
    expect((await call('POST', `${path}/resume`)).status).toBe(410);
    await eventually(async () =>
      expect((await pool.query('select distinct state from webhooks.delivery where webhook_id = $1', [id])).rows).toEqual([{ state: 'dropped' }]),
    );
    expect((await pool.query('select 1 from webhooks.secret where webhook_id = $1', [id])).rows).toEqual([]);
  });

  it('send nothing a second time when the consumer starts over, not even what was pruned from the log', async () => {
    const [receiver, unpruned] = [await Receiver.open(), await Receiver.open()];
    await several(2, { subjects: ['model:early'] }); // before their time
    await subscribe(unpruned.url, { types: ['vitae.governance.v1.*'] });
    const { id } = await subscribe(receiver.url);
    const ids = await several(5);
    await eventually(async () => expect((await pool.query(`select 1 from webhooks.delivery where webhook_id = $1 and state = 'delivered'`, [id])).rows).toHaveLength(5));
    await pool.query(`update webhooks.delivery set tried_at = now() - interval '31 days' where webhook_id = $1 and index in (select index from webhooks.delivery where webhook_id = $1 order by index limit 3)`, [id]);
    const sql = { query: async <Row extends object>(text: string, values?: readonly unknown[]) => (await pool.query(text, values && [...values])).rows as Row[] };
    expect(await pruneDeliveries(sql, { days: 30, most: 100 })).toBe(3);
    await Promise.all(services.map((service) => service.stop()));
    await pool.query(`update messaging.bookmark set next_index = 0 where consumer = 'ledger.webhooks'`);
    services = [await boot(ledger, env), await boot(ledger, env)];
    const [last] = await several(1);
    await eventually(() => expect([idsOf(receiver), idsOf(unpruned)]).toEqual([[...ids, last], [...ids, last]]));
  });

  it.each([
    [{ url: 'https://user:pass@receiver.example/' }, 422, 'webhook-address-refused'],
    [{ url: 'https://127.1/' }, 422, 'webhook-address-refused'],
    [{ url: 'https://receiver.example/', types: ['nonsense'] }, 422, 'invalid-event'],
    [{ url: 'https://receiver.example/', secret: 'mine' }, 400, 'invalid-request'],
    [{}, 400, 'invalid-request'],
  ])('refuse %j', async (body, status, type) => {
    expect(await call('POST', 'credit/webhooks', body)).toMatchObject({ status, body: { type: `https://vitae.dev/problems/${type}` } });
  });

  it('of another project are not there', async () => {
    const receiver = await Receiver.open();
    const { id } = await subscribe(receiver.url);
    for (const [method, path] of [['GET', ''], ['GET', '/deliveries'], ['POST', '/pause'], ['POST', '/ping'], ['POST', '/replay?from=0'], ['DELETE', '']] as const) {
      expect([method, path, (await call(method, `fraud/webhooks/${id}${path}`)).status]).toEqual([method, path, 404]);
    }
  });
});

describe('the key that seals secrets', () => {
  const start = (more: { VITAE_MODE: 'local' | 'cluster'; VITAE_WEBHOOK_KEY_FILE?: string }) => new WebhookSecrets({ VITAE_DATA_DIR: directory, ...more }).onModuleInit();

  it('has to be given outside of local mode', () => expect(start({ VITAE_MODE: 'cluster' })).rejects.toThrow('VITAE_WEBHOOK_KEY_FILE is missing'));
  it('has to be there outside of local mode', () => expect(start({ VITAE_MODE: 'cluster', VITAE_WEBHOOK_KEY_FILE: join(directory, 'none') })).rejects.toThrow('cannot be read'));
  it('has to be a key', () => expect(start({ VITAE_MODE: 'cluster', VITAE_WEBHOOK_KEY_FILE: 'package.json' })).rejects.toThrow('holds no key'));
  it('is made once, whoever starts first', async () => {
    const key = join(directory, 'made', 'webhook.key');
    await Promise.all([1, 2, 3].map(() => start({ VITAE_MODE: 'local', VITAE_WEBHOOK_KEY_FILE: key })));
    const made = await readFile(key, 'utf8');
    await start({ VITAE_MODE: 'local', VITAE_WEBHOOK_KEY_FILE: key });
    expect(await readFile(key, 'utf8')).toBe(made);
  });
});

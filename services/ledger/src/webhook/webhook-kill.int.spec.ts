import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ActorKind, ActorSchema, UseCaseSubmittedSchema } from '@vitae/contracts';
import { append, transactOn } from '@vitae/event-store';
import { boot } from '@vitae/service-kit';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { ledger } from '../app.module.ts';

// The ledger service is killed with SIGKILL while it delivers: before the receiver answers, so that a message was sent and
// nobody noted it, and again after many more. A supervisor starts it again each time, as in production.

/** A process takes seconds to start from source where others are at work; only what is broken takes this long. */
const PATIENCE = 240_000;
const EVENTS = 60;
/** At which messages the process is killed, counted from 1 over all of its lives. */
const KILLS = new Set([1, 8, 21, 47]);

let database: FreshDatabase, nats: FreshNats, pool: Pool, directory: string, receiver: Server, child: ChildProcess | undefined;
const got: string[] = [];
let supervised = false;

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

function supervise(env: NodeJS.ProcessEnv): void {
  supervised = true;
  const start = (): void => {
    child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--conditions=@vitae/source', '--import', here('../../../../libs/service-kit/swc-hook.mjs'), here('../main.ts')], {
      env: { PATH: process.env['PATH'], ...env },
      stdio: 'ignore',
    });
    child.once('exit', () => supervised && start());
  };
  start();
}

beforeAll(async () => {
  [database, nats, directory] = await Promise.all([freshDatabase(), freshNats(), mkdtemp(join(tmpdir(), 'vitae-webhook-kill-'))]);
  receiver = createServer((request, response) => {
    request.resume().on('end', () => {
      got.push(request.headers['webhook-id'] as string);
      if (KILLS.has(got.length)) child?.kill('SIGKILL'); // nobody hears the answer
      else response.writeHead(204).end();
    });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  pool = new Pool({ connectionString: database.url, max: 2 });
}, PATIENCE);
afterAll(async () => {
  supervised = false;
  if (child && child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  }
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
  await pool.end();
  await Promise.all([nats.drop(), database.drop(), rm(directory, { recursive: true, force: true })]);
}, PATIENCE);

describe('webhooks of a service that is killed again and again', () => {
  it('lose nothing, keep the order, and repeat only what was under way, with the same webhook-id', async () => {
    const env = {
      ...specAccess(),
      PORT: '0',
      DATABASE_URL: database.url,
      NATS_URL: nats.url,
      LOG_LEVEL: 'silent',
      OTEL_SDK_DISABLED: 'true',
      VITAE_DATA_DIR: directory,
      VITAE_WEBHOOK_ALLOW_PRIVATE: 'true',
      VITAE_WEBHOOK_FIRST_RETRY_MS: '20',
      VITAE_WEBHOOK_TIMEOUT_MS: '1000',
    };
    const first = await boot(ledger, env);
    const subscribed = await fetch(`${first.url}/v1/projects/credit/webhooks`, {
      method: 'POST',
      headers: { authorization: as('human/dana'), 'content-type': 'application/json' },
      body: JSON.stringify({ url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`, types: ['vitae.governance.v1.UseCaseSubmitted'] }),
    });
    expect(subscribed.status).toBe(201);
    await first.stop();

    const wanted: string[] = [];
    for (let i = 0; i < EVENTS; i += 1) wanted.push(await store());
    supervise(env);
    await eventually(() => expect([...new Set(got)]).toHaveLength(EVENTS), { timeout: PATIENCE });
    await eventually(async () => expect((await pool.query(`select 1 from webhooks.delivery where state <> 'delivered'`)).rows).toEqual([]), { timeout: PATIENCE });

    expect([...new Set(got)]).toEqual(wanted);
    // Doubled is exactly what was sent and not noted when the process was killed, each right after its first time.
    expect(got.flatMap((id, i) => (got[i + 1] === id ? [i + 1] : []))).toEqual([...KILLS]);
    expect(got).toHaveLength(EVENTS + KILLS.size);
  }, PATIENCE);
});

async function store(): Promise<string> {
  const [event] = await transactOn(pool)((tx) =>
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
    }),
  );
  return event?.id ?? '';
}

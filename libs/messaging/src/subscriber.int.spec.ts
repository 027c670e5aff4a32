import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { create } from '@bufbuild/protobuf';
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ActorKind, ActorSchema, eventToJson, UseCaseSubmittedSchema } from '@vitae/contracts';
import { findNatsServer, freePort } from '@vitae/local';
import { eventually, freshNats, type FreshNats } from '@vitae/testing';
import { v7 as uuidv7 } from 'uuid';
import type { RecordedEvent } from '@vitae/event-store';
import { ensureLedgerStream, LEDGER_STREAM, publishFrom } from './index.ts';

// The README's example, run as it stands there: killed in the middle again and again, and JetStream taken from under it.

const EXAMPLE = fileURLToPath(new URL('subscriber.fixture.ts', import.meta.url));
const ORIGIN = '01990000-0000-7000-8000-0000000000aa';
const PROJECTS = ['credit', 'fraud', 'credit', 'credit-cards'] as const;

let broker: FreshNats, nats: NatsConnection, directory: string, kept: string;
let child: ChildProcess | undefined;
let supervised = false;

beforeEach(async () => {
  [broker, directory] = await Promise.all([freshNats(), mkdtemp(join(tmpdir(), 'vitae-subscriber-'))]);
  kept = join(directory, 'events.jsonl');
  await writeFile(kept, '');
  nats = await connect({ servers: broker.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  await ensureLedgerStream(nats, ORIGIN);
});
afterEach(async () => {
  supervised = false;
  if (child && child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
  await nats.close();
  await broker.drop();
  await rm(directory, { recursive: true, force: true });
});

function supervise(env: NodeJS.ProcessEnv = { NATS_URL: broker.url }): void {
  supervised = true;
  const start = (): void => {
    child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', EXAMPLE], { env: { PATH: process.env['PATH'], KEPT: kept, ...env }, stdio: 'ignore' });
    child.once('exit', () => supervised && start());
  };
  start();
}

/** A NATS server whose configuration is what the README says, with a password. */
async function serverWith(rights: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const port = await freePort();
  const config = join(directory, 'nats.conf');
  await writeFile(config, `listen: 127.0.0.1:${port}\njetstream { store_dir: ${JSON.stringify(join(directory, 'guarded'))} }\n${rights.replaceAll('$PASSWORD', 'spec').replaceAll('$OTHER_PASSWORD', 'spec')}`);
  const server = spawn(await findNatsServer(), ['--config', config], { stdio: 'ignore' });
  const ended = once(server, 'exit');
  const url = `nats://127.0.0.1:${port}`;
  await eventually(async () => (await connect({ servers: url, user: 'vitae', pass: 'spec', reconnect: false })).close());
  return {
    url,
    stop: async () => {
      server.kill('SIGTERM');
      await ended;
    },
  };
}

const events = (from: number, n: number): RecordedEvent[] =>
  Array.from({ length: n }, (_, i) => {
    const useCaseId = uuidv7();
    const event = create(UseCaseSubmittedSchema, { useCaseId });
    return {
      id: uuidv7(),
      index: from + i,
      stream: `governance.UseCase-${useCaseId}`,
      revision: 1,
      type: event.$typeName,
      projectId: PROJECTS[(from + i) % PROJECTS.length] ?? 'credit',
      subjects: [`use-case:${useCaseId}`],
      actor: create(ActorSchema, { id: 'dana', kind: ActorKind.HUMAN }),
      reason: 'größer, schöner',
      occurredAt: '2026-11-21T09:00:00.000Z',
      recordedAt: '2026-11-21T09:00:00.000001Z',
      correlationId: 'c',
      causationId: '',
      traceparent: '',
      event,
      payload: eventToJson(event),
    };
  });
const keptLines = async (): Promise<{ index: number; id: string }[]> =>
  (await readFile(kept, 'utf8')).trimEnd().split('\n').filter(Boolean).map((line) => JSON.parse(line) as { index: number; id: string });
const ofCredit = (all: readonly RecordedEvent[]) => all.filter(({ projectId }) => projectId === 'credit').map(({ index, id }) => ({ index, id }));
const seen = async () => (await keptLines()).map(({ index, id }) => ({ index, id }));

describe("the README's subscriber", () => {
  it('stands in the README as it is run here', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    expect(readme).toContain(`\`\`\`ts\n${await readFile(EXAMPLE, 'utf8')}\`\`\``);
  });

  it('misses nothing and doubles nothing of its project, though it is killed in the middle again and again', async () => {
    const all = events(0, 400);
    supervise();
    for (let from = 0; from < all.length; from += 200) {
      const before = (await keptLines()).length;
      await publishFrom(nats, all.slice(from, from + 200));
      await eventually(async () => expect((await keptLines()).length).toBeGreaterThan(before));
      child?.kill('SIGKILL');
    }
    await eventually(async () => expect(await seen()).toEqual(ofCredit(all)));
  });

  it('goes on behind what it has when JetStream lost its store and was filled again', async () => {
    const all = events(0, 80);
    await publishFrom(nats, all.slice(0, 40));
    supervise();
    await eventually(async () => expect(await seen()).toEqual(ofCredit(all.slice(0, 40))));
    await broker.restart({ emptied: true });
    await eventually(() => ensureLedgerStream(nats, ORIGIN));
    await publishFrom(nats, all);
    await eventually(async () => expect(await seen()).toEqual(ofCredit(all)));
  });

  it('needs no more rights than the README gives it, and can do nothing else with them', async () => {
    const rights = /```conf\n([^]*?)```/.exec(await readFile(new URL('../README.md', import.meta.url), 'utf8'))?.[1] ?? '';
    const guarded = await serverWith(rights);
    const [owner, subscriber] = await Promise.all(
      ['vitae', 'risk-register'].map((user) => connect({ servers: guarded.url, user, pass: 'spec', inboxPrefix: `_INBOX.${user}`, timeout: 1_000 })),
    );
    try {
      if (!owner || !subscriber) throw new Error('not connected');
      await ensureLedgerStream(owner, ORIGIN);
      const manager = await jetstreamManager(owner);
      await manager.consumers.add(LEDGER_STREAM, { durable_name: 'risk-register', filter_subject: 'vitae.ledger.credit.>', ack_policy: AckPolicy.Explicit, deliver_policy: DeliverPolicy.All, max_ack_pending: 1 });
      const all = events(0, 12);
      await publishFrom(owner, all);
      supervise({ NATS_URL: guarded.url, NATS_USER: 'risk-register', NATS_PASSWORD: 'spec' });
      await eventually(async () => expect(await seen()).toEqual(ofCredit(all)));

      const forbidden = await jetstreamManager(subscriber, { checkAPI: false, timeout: 1_000 });
      await expect(jetstream(subscriber, { checkAPI: false }).publish('vitae.ledger.credit.x.Y.Z', '{}', { timeout: 1_000 })).rejects.toThrow();
      await expect(forbidden.consumers.add(LEDGER_STREAM, { durable_name: 'all', ack_policy: AckPolicy.Explicit })).rejects.toThrow();
      await expect(forbidden.consumers.delete(LEDGER_STREAM, 'risk-register')).rejects.toThrow();
      await expect(forbidden.streams.getMessage(LEDGER_STREAM, { seq: 2 })).rejects.toThrow();
      await expect(forbidden.streams.delete(LEDGER_STREAM)).rejects.toThrow();
      const { state } = await manager.streams.info(LEDGER_STREAM);
      expect([state.messages, state.consumer_count]).toEqual([all.length, 1]);
    } finally {
      await Promise.all([owner?.close(), subscriber?.close()]);
      await guarded.stop();
    }
  });

  it('can see from the sequence that the filter left out other projects, and nothing else', async () => {
    const all = events(0, 40);
    await publishFrom(nats, all);
    supervise();
    await eventually(async () => expect(await seen()).toEqual(ofCredit(all)));
    const manager: JetStreamManager = await jetstreamManager(nats);
    const { delivered } = await manager.consumers.info(LEDGER_STREAM, 'risk-register');
    expect([delivered.consumer_seq, delivered.stream_seq]).toEqual([ofCredit(all).length, (ofCredit(all).at(-1)?.index ?? 0) + 1]);
  });
});

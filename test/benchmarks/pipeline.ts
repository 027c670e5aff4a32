import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { ActorKind, ActorSchema, UseCaseDraftedSchema, RiskTier, AiActClass, type UseCaseDrafted } from '@vitae/contracts';
import { append, transactOn, type Attribution } from '@vitae/event-store';
import { hintAppended } from '@vitae/messaging';
import { startSuite } from '@vitae/local';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';

/** How an event gets through, from an append to a subscriber: writers, events in one append, rate, length of the run. */
interface Load {
  readonly writers: number;
  readonly batch: number;
  readonly seconds: number;
  /** Events a second over all writers; absent: as fast as they can. */
  readonly rate?: number;
}

const LOADS: readonly Load[] = [
  { writers: 1, batch: 1, seconds: 6 },
  { writers: 8, batch: 1, seconds: 6, rate: 500 },
  { writers: 32, batch: 1, seconds: 10 },
  { writers: 32, batch: 10, seconds: 10 },
];

/**
 * The whole path on one machine: append (contract checked, one transaction, fsync on) → index → JetStream →
 * subscriber. Writers and subscriber share this process; PostgreSQL, NATS and the ledger service are real
 * processes.
 */
export async function pipeline(say: (line: string) => void): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'vitae-bench-'));
  const suite = await startSuite({ dataDir, programs: (settings) => ledgerOnly(settings.root, settings) });
  const pool = new Pool({ connectionString: suite.databaseUrl, max: 32, options: '-c plan_cache_mode=force_generic_plan' });
  const nats = await connect({ servers: suite.natsUrl });
  try {
    const { rows } = await pool.query<{ version: string; fsync: string }>(`select version() as version, current_setting('fsync') as fsync`);
    say(`${cpus().length} × ${cpus()[0]?.model}; Node ${process.version}; ${rows[0]?.version.split(' on ')[0]}, fsync ${rows[0]?.fsync}; NATS ${nats.info?.version}`);
    say('writers  batch  rate wanted   appended/s  received/s   commit to subscriber p50 / p99 ms   missed  out of order');
    for (const load of LOADS) say(await run(load, pool, nats));
  } finally {
    await nats.close();
    await pool.end();
    await suite.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function run(load: Load, pool: Pool, nats: NatsConnection): Promise<string> {
  const committed = new Map<string, number>();
  const early = new Map<string, number>(); // received before the writer knew of its commit
  const latencies: number[] = [];
  let received = 0;
  let outOfOrder = 0;
  let lastSequence = 0;
  let lastAt = 0;
  const js = jetstream(nats);
  const { state } = await (await js.jetstreamManager()).streams.info('VITAE_LEDGER');
  const consumer = await js.consumers.get('VITAE_LEDGER', { opt_start_seq: state.last_seq + 1 });
  const messages = await consumer.consume({
    max_messages: 2_000,
    callback: (message) => {
      lastAt = performance.now();
      received += 1;
      if (lastSequence !== 0 && message.seq !== lastSequence + 1) outOfOrder += 1;
      lastSequence = message.seq;
      const id = message.headers?.get('ce-id') ?? '';
      const at = committed.get(id);
      if (at === undefined) early.set(id, lastAt);
      else latencies.push(lastAt - at);
    },
  });

  const transact = transactOn(pool);
  const begun = performance.now();
  const end = begun + 1000 * load.seconds;
  let appended = 0;
  let slots = 0;
  const writer = async (): Promise<void> => {
    while (performance.now() < end) {
      if (load.rate !== undefined) {
        const due = begun + (1000 * slots++ * load.batch) / load.rate;
        const wait = due - performance.now();
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      }
      const stream = `governance.UseCase-${uuidv7()}`;
      const events = Array.from({ length: load.batch }, drafted);
      const recorded = await transact((tx) => append(tx.sql, { stream, expected: 'noStream', events, attribution, subjects: ['model:bench'] }));
      const now = performance.now();
      hintAppended(nats);
      for (const { id } of recorded) {
        const seen = early.get(id);
        if (seen === undefined) committed.set(id, now);
        else latencies.push(Math.max(0, seen - now));
      }
      appended += events.length;
    }
  };
  await Promise.all(Array.from({ length: load.writers }, writer));
  const wrote = (performance.now() - begun) / 1000;
  while (received < appended && performance.now() - Math.max(lastAt, begun) < 10_000) await new Promise((resolve) => setTimeout(resolve, 5));
  await messages.close();

  latencies.sort((a, b) => a - b);
  const quantile = (q: number): string => (latencies[Math.floor(q * (latencies.length - 1))] ?? Number.NaN).toFixed(1);
  const cells = [load.writers, load.batch, load.rate ?? 'none', Math.round(appended / wrote), Math.round(received / ((lastAt - begun) / 1000)), `${quantile(0.5)} / ${quantile(0.99)}`, appended - received, outOfOrder];
  const widths = [7, 7, 13, 13, 12, 36, 9, 14];
  return cells.map((cell, i) => String(cell).padStart(widths[i] ?? 0)).join('');
}

const attribution: Attribution = {
  projectId: 'bench',
  actor: create(ActorSchema, { id: 'bench', kind: ActorKind.MACHINE }),
  reason: 'measuring',
  occurredAt: new Date().toISOString(),
  correlationId: 'bench',
  causationId: '',
  traceparent: '',
};

/** An event of usual size: about 600 bytes of canonical JSON. */
const drafted = (): UseCaseDrafted =>
  create(UseCaseDraftedSchema, {
    useCaseId: uuidv7(),
    title: 'Decide small consumer loans',
    objective: 'Find applicants who will not repay, before the loan is granted',
    kpis: [{ name: 'default rate', unit: '%', baseline: 24.6, target: 19 }],
    owner: 'olivia',
    dataAvailability: '1,000 decided loans with outcome',
    resources: 'one data scientist for a month, one small server, and somebody who knows the process by heart',
    purpose: 'credit-scoring',
    riskTier: RiskTier.HIGH,
    aiActClass: AiActClass.HIGH_RISK,
  });

interface Settings {
  readonly dataDir: string;
  readonly ports: { readonly ledger: number };
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly env: NodeJS.ProcessEnv;
}

function ledgerOnly(root: string, { dataDir, ports, databaseUrl, natsUrl, env }: Settings) {
  return [
    {
      name: 'ledger',
      command: process.execPath,
      args: [join(root, 'services', 'ledger', 'dist', 'main.js')],
      env: { ...env, NODE_ENV: 'production', VITAE_MODE: 'local', HOST: '127.0.0.1', PORT: String(ports.ledger), DATABASE_URL: databaseUrl, NATS_URL: natsUrl, LOG_LEVEL: 'warn' },
      cwd: root,
      logFile: join(dataDir, 'ledger.log'),
      readyUrls: [`http://127.0.0.1:${ports.ledger}/readyz`],
    },
  ];
}

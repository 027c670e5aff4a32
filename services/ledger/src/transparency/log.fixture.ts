import { create } from '@bufbuild/protobuf';
import { expect } from '@jest/globals';
import { ActorKind, ActorSchema, UseCaseSubmittedSchema } from '@vitae/contracts';
import { append, ledgerMigrations, migrate, transactOn } from '@vitae/event-store';
import { boot, type Running } from '@vitae/service-kit';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase } from '@vitae/testing';
import { entriesPath, eventsPath, tilePath, type LogSource } from '@vitae/transparency';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { ledger } from '../app.module.ts';

/** A ledger of the spec's own: database, broker, a directory, and ledger services on them. */
export interface LogBench {
  /** The database's address. */
  readonly url: string;
  readonly pool: Pool;
  readonly directory: string;
  /** Starts a replica; it is stopped at the end, or by its own `stop`. */
  start(environment?: NodeJS.ProcessEnv): Promise<Running>;
  /** Stores this many events, in appends of 100. */
  store(count: number): Promise<void>;
  drop(): Promise<void>;
}

export async function logBench(): Promise<LogBench> {
  const [database, broker, directory] = await Promise.all([freshDatabase(), freshNats(), mkdtemp(join(tmpdir(), 'vitae-log-'))]);
  await migrate(database.url, ledgerMigrations);
  const pool = new Pool({ connectionString: database.url, max: 4 });
  pool.on('error', () => undefined);
  const services: Running[] = [];
  return {
    url: database.url,
    pool,
    directory,
    start: async (environment = {}) => {
      const service = await boot(ledger, { ...common(database, broker.url, directory), ...environment });
      services.push(service);
      return service;
    },
    store: async (count) => {
      for (let left = count; left > 0; left -= 100) await storeSome(pool, Math.min(left, 100));
    },
    drop: async () => {
      await Promise.all(services.map((service) => service.stop()));
      await pool.end();
      await broker.drop();
      await database.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const common = ({ url }: FreshDatabase, natsUrl: string, directory: string): NodeJS.ProcessEnv => ({
  ...specAccess(),
  PORT: '0',
  DATABASE_URL: url,
  NATS_URL: natsUrl,
  LOG_LEVEL: 'silent',
  VITAE_DATA_DIR: directory,
  VITAE_CHECKPOINT_MS: '50',
});

async function storeSome(pool: Pool, count: number): Promise<void> {
  await transactOn(pool)((tx) =>
    append(tx.sql, {
      stream: `governance.UseCase-${uuidv7()}`,
      expected: 'noStream',
      events: Array.from({ length: count }, () => create(UseCaseSubmittedSchema, { useCaseId: uuidv7() })),
      subjects: ['model:m-1', 'use-case:u-1'],
      attribution: {
        projectId: 'credit',
        actor: create(ActorSchema, { id: 'dana', kind: ActorKind.HUMAN }),
        reason: 'a spec, with ümlauts',
        occurredAt: '2026-11-20T09:00:00.000Z',
        correlationId: 'c',
        causationId: '',
        traceparent: '',
      },
    }),
  );
}

export interface Standing {
  readonly size?: number;
  readonly origin: string;
  readonly keys: readonly string[];
  readonly integrated: number;
  readonly witnesses: readonly { readonly name: string; readonly size?: number; readonly trouble?: string }[];
}

/** Reads what there is of the whole installation. */
export const READER = { headers: { authorization: as('human/audrey', { roles: ['auditor'] }) } };

export const standing = async ({ url }: Running): Promise<Standing> => (await fetch(`${url}/v1/log`, READER)).json() as Promise<Standing>;

/** Waits until the log is signed and served up to this size. */
export const signed = (service: Running, size: number): Promise<Standing> =>
  eventually(async () => {
    const now = await standing(service);
    expect(now.size).toBe(size);
    return now;
  });

/** The log as an auditor reads it. */
export function overHttp({ url }: Pick<Running, 'url'>): LogSource {
  const file = async (path: string): Promise<Uint8Array | undefined> => {
    const response = await fetch(`${url}/log/${path}`, READER);
    if (response.status === 404) return undefined;
    if (!response.ok) throw new Error(`${path} was answered with ${response.status}: ${await response.text()}`);
    return new Uint8Array(await response.arrayBuffer());
  };
  return {
    checkpoint: async () => new TextDecoder().decode(await file('checkpoint')),
    tile: (tile) => file(tilePath(tile)),
    entries: (index, width) => file(entriesPath(index, width)),
    events: (index, width) => file(eventsPath(index, width)),
  };
}

/** What is wrong with the service, by its own word. */
export const unready = async ({ url }: Running): Promise<string> => {
  const response = await fetch(`${url}/readyz`);
  return response.status === 503 ? ((await response.json()) as { readonly detail: string }).detail : '';
};

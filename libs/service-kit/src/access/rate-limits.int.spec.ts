import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { MikroORM } from '@mikro-orm/postgresql';
import { ledgerMigrations, migrate } from '@vitae/event-store';
import { freshDatabase, type FreshDatabase } from '@vitae/testing';
import { Pool } from 'pg';
import type { BaseConfig } from '../config.ts';
import { openDatabase } from '../database.ts';
import { Ledger } from '../ledger.ts';
import { Problem } from '../problem.ts';
import { accessMigrations } from './migrations.ts';
import type { Principal } from './principal.ts';
import { RateLimits } from './rate-limits.store.ts';

let database: FreshDatabase;
let orm: MikroORM;
let pool: Pool;

beforeAll(async () => {
  database = await freshDatabase();
  await migrate(database.url, ledgerMigrations);
  await migrate(database.url, accessMigrations);
  orm = await openDatabase('registry', database.url, { DATABASE_POOL_SIZE: 4 }, { schema: 'registry', migrations: new URL('.', import.meta.url), entities: [] });
  pool = new Pool({ connectionString: database.url, max: 1 });
  pool.on('error', () => undefined);
});
afterAll(async () => {
  await orm?.close(true);
  await pool?.end();
  await database?.drop();
});

const replica = (limit: number, ledger: Ledger | undefined = new Ledger(orm.em)) => new RateLimits({ VITAE_RATE_LIMIT_PER_MINUTE: limit } as BaseConfig, ledger);
/** As the guard does. */
const take = async (limits: RateLimits, principal: Principal, projectId: string): Promise<void> => {
  await limits.takeOfCaller(principal);
  await limits.takeOfProject(principal, projectId);
};
const somebody = (id: string, kind: Principal['kind'] = 'machine'): Principal => ({ kind, id, onBehalfOf: '', grants: [] });

/** How many of so many requests were let through; the others must have been told when to come again. */
async function letThrough(count: number, take: (index: number) => Promise<void>): Promise<number> {
  const outcomes = await Promise.allSettled(Array.from({ length: count }, (_, index) => take(index)));
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue;
    const problem = outcome.reason as Problem;
    expect([problem.status, problem.slug]).toEqual([429, 'too-many-requests']);
    expect(Number(problem.extra.headers?.['Retry-After'])).toBeGreaterThanOrEqual(1);
  }
  return outcomes.filter(({ status }) => status === 'fulfilled').length;
}

describe('the limit of a caller', () => {
  it('holds over all replicas together, to the last request', async () => {
    const replicas = [replica(200), replica(200), replica(200)];
    expect(await letThrough(600, (index) => take(replicas[index % 3]!, somebody('busy'), 'alpha'))).toBe(200);
    expect(await letThrough(10, () => take(replica(200), somebody('busy'), 'alpha'))).toBe(0); // nor by a new one
    expect(await letThrough(10, (index) => take(replicas[index % 3]!, somebody('calm'), 'alpha'))).toBe(10);
  });

  it('costs a statement for each hundredth of it, not for each request', async () => {
    const asked: string[] = [];
    const counting = { sql: { query: (text: string, values: unknown[]) => (asked.push(text), new Ledger(orm.em).sql.query(text, values)) } } as unknown as Ledger;
    const limits = replica(10_000, counting);
    for (let index = 0; index < 1_000; index += 1) await take(limits, somebody('steady'), '*');
    expect(asked).toHaveLength(10);
  });

  it('is ten times as large for a project, whoever asks', async () => {
    const limits = replica(50);
    expect(await letThrough(800, (index) => take(limits, somebody(`m${index % 40}`), 'beta'))).toBe(500);
  });

  it('does not hold for our own services, nor where it is 0', async () => {
    expect(await letThrough(300, () => take(replica(10), somebody('vitae-runtime', 'service'), 'gamma'))).toBe(300);
    const unlimited = replica(0);
    expect(await letThrough(300, () => take(unlimited, somebody('many'), 'gamma'))).toBe(300);
  });

  it('holds in each process by itself where there is no database, or it is away', async () => {
    const alone = new RateLimits({ VITAE_RATE_LIMIT_PER_MINUTE: 20 } as BaseConfig);
    expect(await letThrough(50, () => take(alone, somebody('m'), '*'))).toBe(20);
    const away = { sql: { query: () => Promise.reject(new Error('Connection terminated')) } } as unknown as Ledger;
    const cutOff = replica(20, away);
    expect(await letThrough(50, () => take(cutOff, somebody('m'), '*'))).toBe(20);
  });
});

import { CompiledQuery } from 'kysely';
import { IsolationLevel } from '@mikro-orm/core';
import { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { ledgerMigrations, migrate, pendingMigrations, type Sql, type Transaction } from '@vitae/event-store';
import { messagingMigrations } from '@vitae/messaging';
import { accessMigrations } from './access/migrations.ts';
import type { Pool } from 'pg';
import { keepToProjects } from './access/scoped-connections.ts';
import type { BaseConfig } from './config.ts';
import type { ServiceDefinition } from './definition.ts';
import { takeBackBroken } from './lent-connections.ts';
import { known, sendPrepared } from './prepared-statements.ts';

/** The transaction of a command or a consumed event: what is appended and what the views write commit together. */
export interface ViewTransaction extends Transaction {
  /** A fork of its own; flushed before the commit. */
  readonly em: EntityManager;
  /** The same transaction, for SQL with $1 parameters. */
  readonly sql: Sql;
}

/**
 * Sees to it that ledger, consumer bookmarks, people and the service's own schema are up to date: `apply` makes them so, each
 * under an advisory lock; `check` changes nothing.
 * @throws with `check` when a migration is missing; the message says what to run.
 */
export async function prepareSchemas(service: string, url: string, database: NonNullable<ServiceDefinition['database']>, how: BaseConfig['VITAE_MIGRATIONS']): Promise<void> {
  const schemas = [ledgerMigrations, messagingMigrations, accessMigrations, { schema: database.schema, directory: database.migrations }];
  if (how === 'apply') {
    for (const schema of schemas) await migrate(url, schema);
    return;
  }
  const pending = await pendingMigrations(url, schemas);
  if (pending.length === 0) return;
  throw new Error(
    `${service} cannot start: its database lacks ${pending.join(', ')}, and VITAE_MIGRATIONS is "check". ` +
      'Apply them as the owner of the schemas (`DATABASE_URL=… node deploy/local/dist/migrate.js`), then start it again.',
  );
}

/** Opens the service's pool. MikroORM listens to the pool's errors, so that a lost server does not end the process. */
export async function openDatabase(service: string, url: string, config: Pick<BaseConfig, 'DATABASE_POOL_SIZE'>, database: NonNullable<ServiceDefinition['database']>): Promise<MikroORM> {
  return MikroORM.init({
    clientUrl: url,
    contextName: service,
    schema: database.schema,
    entities: [...database.entities],
    pool: { min: 0, max: config.DATABASE_POOL_SIZE, idleTimeoutMillis: 30_000 },
    driverOptions: {
      connectionString: url,
      application_name: `vitae-${service}`,
      connectionTimeoutMillis: 10_000,
      onPoolCreated: (pool: Pool) => {
        takeBackBroken(pool);
        sendPrepared(pool);
        keepToProjects(pool);
      },
      // Custom plans for the ledger's functions cost more than they gain: measured. Projections name their tables without
      // a schema: in a rebuild, it is another one.
      options: `-c plan_cache_mode=force_generic_plan -c search_path=${database.schema}`,
    },
    discovery: { warnWhenNoEntities: false }, // a service may write SQL only
    debug: false,
  });
}

/**
 * Sql on an entity manager: in its transaction where it has one, else each statement by itself.
 * @param options.prepared false for statements whose text is made of what a caller asked for; all others stay prepared on their connection.
 */
export function sqlOf(em: EntityManager, { prepared = true }: { readonly prepared?: boolean } = {}): Sql {
  return {
    async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
      if (prepared && values.length > 0) known(text);
      const result = await em.getKysely().executeQuery<Row>(CompiledQuery.raw(text, [...values]));
      return result.rows;
    },
  };
}

/** Runs `work` in a READ COMMITTED transaction on an entity manager of its own. */
export function inTransaction<T>(em: EntityManager, work: (tx: ViewTransaction) => Promise<T>): Promise<T> {
  const fork = em.fork({ clear: true, useContext: false });
  return fork.transactional((inner) => work({ em: inner, sql: sqlOf(inner) }), { isolationLevel: IsolationLevel.READ_COMMITTED });
}

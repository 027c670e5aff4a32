import type { Testbed } from '../ledger/testbed.ts';
import type { Caller } from './http-call.ts';
import type { Operation } from './registry-under-test.ts';

/** SQL statements of one request: those that ask or change something, and those around them (begin, commit, set). */
export interface Statements {
  readonly work: number;
  readonly around: number;
}

export const STATEMENTS_SETTINGS = { shared_preload_libraries: 'pg_stat_statements' } as const;

/** By PostgreSQL's own account, over so many requests. What a service asks by itself now and then is rounded away. */
export async function statementsOf(testbed: Testbed, database: string, caller: Caller, { call }: Operation, from: number, times: number): Promise<Statements> {
  await testbed.query(`select pg_stat_statements_reset()`);
  for (let n = 1; n <= times; n += 1) await caller.call(call(from + n));
  const rows = await testbed.query(
    `select (s.query ~* '^\\s*(begin|start|commit|rollback|set|savepoint|release|select pg_catalog.version|show)') as around, s.calls
     from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = '${database}'`,
  );
  const sum = (around: boolean): number => rows.filter((row) => (row['around'] as unknown) === around).reduce((all, row) => all + Math.round(Number(row['calls']) / times), 0);
  return { work: sum(false), around: sum(true) };
}

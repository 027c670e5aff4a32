import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { Sql } from '@vitae/event-store';
import type { ServiceDefinition } from '../definition.ts';

type Database = NonNullable<ServiceDefinition['database']>;

export const greenOf = (schema: string): string => `${schema}_green`;
export const replacedOf = (schema: string): string => `${schema}_replaced`;
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * Makes the schema `<name>_green`, or goes on with the one that an interrupted rebuild left, if the migrations are still
 * the same. Answers the index that it takes next. `sql` MUST be in a transaction.
 *
 * The tables are made by the service's own migrations, which name its schema. So for the length of this transaction the
 * service's schema has another name, and the new one has it: nobody outside sees anything but the end.
 */
export async function openGreen(sql: Sql, { schema, migrations }: Database): Promise<number> {
  const [blue, green, aside] = [quoted(schema), quoted(greenOf(schema)), quoted(`${schema}_aside`)];
  const files = await Promise.all((await readdir(migrations)).filter((file) => /^\d{4}-.+\.sql$/.test(file)).sort().map((file) => readFile(new URL(file, migrations), 'utf8')));
  const fingerprint = createHash('sha256').update(files.join('\n')).digest('hex');
  const [there] = await sql.query<{ there: boolean }>('select to_regclass($1) is not null as there', [`${green}.rebuild`]);
  if (there?.there) {
    const [position] = await sql.query<{ next_index: string; fingerprint: string }>(`select next_index, fingerprint from ${green}.rebuild`);
    if (position?.fingerprint === fingerprint) return Number(position.next_index);
  }
  await sql.query(`drop schema if exists ${green} cascade`);
  await sql.query(`alter schema ${blue} rename to ${aside}`);
  await sql.query(`create schema ${blue}`);
  for (const file of files) await sql.query(file);
  await sql.query(`alter schema ${blue} rename to ${green}`);
  await sql.query(`alter schema ${aside} rename to ${blue}`);
  await sql.query(`create table ${green}.rebuild (singleton boolean primary key default true check (singleton), next_index bigint not null, fingerprint text not null)`);
  await sql.query(`insert into ${green}.rebuild (next_index, fingerprint) values (0, $1)`, [fingerprint]);
  return 0;
}

/** Notes how far the green tables are, in the transaction that brought them there. */
export const notePosition = (sql: Sql, schema: string, nextIndex: number): Promise<object[]> =>
  sql.query(`update ${quoted(greenOf(schema))}.rebuild set next_index = $1`, [nextIndex]);

/**
 * Puts the green tables in the place of the blue ones, which go to `<name>_replaced`. `sql` MUST be in a transaction that
 * has the blue tables for itself. Foreign keys of other tables follow the name.
 */
export async function swapTables(sql: Sql, schema: string, tables: readonly string[]): Promise<void> {
  const [blue, green, replaced] = [schema, greenOf(schema), replacedOf(schema)].map(quoted);
  const pointing = await sql.query<{ holder: string; name: string; definition: string }>(
    `select c.conrelid::regclass::text as holder, c.conname as name, pg_get_constraintdef(c.oid) as definition
     from pg_constraint c join pg_class t on t.oid = c.confrelid join pg_class h on h.oid = c.conrelid
     where c.contype = 'f' and t.relnamespace = $1::regnamespace and t.relname = any($2) and h.relnamespace = $1::regnamespace and not h.relname = any($2)`,
    [blue, tables],
  );
  await sql.query(`drop schema if exists ${replaced} cascade`);
  await sql.query(`create schema ${replaced}`);
  for (const { holder, name } of pointing) await sql.query(`alter table ${holder} drop constraint ${quoted(name)}`);
  for (const table of tables.map(quoted)) await sql.query(`alter table ${blue}.${table} set schema ${replaced}`);
  for (const table of tables.map(quoted)) await sql.query(`alter table ${green}.${table} set schema ${blue}`);
  for (const { holder, name, definition } of pointing) await sql.query(`alter table ${holder} add constraint ${quoted(name)} ${definition}`);
  await sql.query(`drop schema ${green} cascade`);
  const [rights] = await sql.query<{ there: boolean }>(`select to_regprocedure('ledger.grant_rights(name)') is not null as there`);
  if (rights?.there) await sql.query('select ledger.grant_rights($1)', [schema]);
}

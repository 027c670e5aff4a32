import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { ledgerMigrations, migrate } from '@vitae/event-store';
import { messagingMigrations } from '@vitae/messaging';
import { Client } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';

// A dump and its restore, as a test needs it. An operator takes pg_dump; so does this, where there is one of PostgreSQL 18.
// Otherwise it does the same by COPY, into tables that the migrations made.

/** Schemas of the ledger. Views and bookmarks of the services are rebuilt from it, or lie in schemas of their own. */
const SCHEMAS = ['ledger', 'messaging'];

interface Contents {
  readonly tables: readonly string[];
  readonly sequences: readonly { readonly name: string; readonly last: string; readonly called: boolean }[];
}

/** Whether a pg_dump is at hand that can read our server. */
export async function hasPgDump(): Promise<boolean> {
  const { stdout } = await promisify(execFile)('pg_dump', ['--version']).catch(() => ({ stdout: '' }));
  return Number(/(\d+)\./.exec(stdout)?.[1] ?? 0) >= 18;
}

/** Writes the ledger of a database into a directory: one state of it, while others go on writing. */
export async function dump(databaseUrl: string, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  if (await hasPgDump()) {
    await promisify(execFile)('pg_dump', ['--format=custom', '--no-owner', '--no-acl', ...SCHEMAS.map((schema) => `--schema=${schema}`), `--file=${join(directory, 'dump')}`, databaseUrl]);
    return;
  }
  await connected(databaseUrl, async (client) => {
    await client.query('begin isolation level repeatable read read only');
    const contents = await contentsOf(client);
    for (const table of contents.tables) await pipeline(client.query(copyTo(`copy ${table} to stdout (format binary)`)), createWriteStream(join(directory, table)));
    await client.query('commit');
    await writeFile(join(directory, 'contents.json'), JSON.stringify(contents));
  });
}

/** Fills an empty database of another cluster from what `dump` wrote. */
export async function restore(databaseUrl: string, directory: string): Promise<void> {
  if (await hasPgDump()) {
    await promisify(execFile)('pg_restore', ['--no-owner', '--no-acl', '--exit-on-error', `--dbname=${databaseUrl}`, join(directory, 'dump')]);
    await connected(databaseUrl, async (client) => void (await client.query('select ledger.separate_roles()')));
    return;
  }
  await migrate(databaseUrl, ledgerMigrations);
  await migrate(databaseUrl, messagingMigrations);
  const { tables, sequences } = JSON.parse(await readFile(join(directory, 'contents.json'), 'utf8')) as Contents;
  await connected(databaseUrl, async (client) => {
    // As pg_restore does: rows come before triggers and foreign keys are there. What is the same in every database is replaced, too.
    await client.query('begin');
    const { rows: triggers } = await client.query<{ tab: string; name: string; state: string }>(
      `select g.tgrelid::regclass::text as tab, quote_ident(g.tgname) as name, g.tgenabled as state from pg_trigger g join pg_class c on c.oid = g.tgrelid
       where c.relnamespace = any ($1::regnamespace[]) and not g.tgisinternal`,
      [SCHEMAS],
    );
    for (const table of tables) await client.query(`alter table ${table} disable trigger all`);
    await client.query(`truncate ${tables.join(', ')}`);
    for (const table of tables) await pipeline(createReadStream(join(directory, table)), client.query(copyFrom(`copy ${table} from stdin (format binary)`)));
    for (const { name, last, called } of sequences) await client.query('select setval($1::regclass, $2, $3)', [name, last, called]);
    for (const table of tables) await client.query(`alter table ${table} enable trigger all`);
    for (const { tab, name, state } of triggers) await client.query(`alter table ${tab} enable ${state === 'A' ? 'always' : ''} trigger ${name}`);
    await client.query('commit');
  });
}

async function contentsOf(client: Client): Promise<Contents> {
  const { rows: tables } = await client.query<{ name: string }>(
    `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables where schemaname = any ($1) order by 1`,
    [SCHEMAS],
  );
  const { rows: sequences } = await client.query<{ name: string }>(
    `select quote_ident(schemaname) || '.' || quote_ident(sequencename) as name from pg_sequences where schemaname = any ($1) order by 1`,
    [SCHEMAS],
  );
  const states: Contents['sequences'][number][] = [];
  for (const { name } of sequences) {
    const { rows } = await client.query<{ last_value: string; is_called: boolean }>(`select last_value, is_called from ${name}`);
    states.push({ name, last: rows[0]?.last_value ?? '1', called: rows[0]?.is_called ?? false });
  }
  return { tables: tables.map(({ name }) => name), sequences: states };
}

async function connected(connectionString: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

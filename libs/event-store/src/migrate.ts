import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { Client } from 'pg';

/** The numbered SQL of one schema: `NNNN-name.sql` files in a directory. */
export interface Migrations {
  readonly schema: string;
  readonly directory: URL;
}

/** Where this lib's own numbered SQL lies. */
export const ledgerMigrations: Migrations = { schema: 'ledger', directory: new URL('../migrations/', import.meta.url) };

/**
 * Brings one schema up to date: every file that it does not have yet, in order, each in its own transaction. An
 * advisory lock lets one service at a time do so, whichever starts first. Forward only: a file that was applied MUST
 * NOT change, and the run says so if it did.
 *
 * Runs as the owner of the schema `ledger` (see 0004-roles.sql), so that what is made belongs to him; the user of the
 * connection string MUST be a member of that role. Where there is no ledger, the user himself is the owner.
 *
 * @returns the names applied now.
 */
export async function migrate(connectionString: string, { schema, directory }: Migrations): Promise<readonly string[]> {
  return connected(connectionString, async (client) => {
    await client.query(`select pg_advisory_lock(hashtextextended('vitae migrations', 0))`); // until the session ends
    await keepIndexesInUse(client);
    await createSchema(client, schema);
    const done = await appliedIn(client, schema);
    const applied: string[] = [];
    for (const { name, sha256, text } of missing(await filesOf({ schema, directory }), done)) {
      await actAsOwner(client, schema); // again for each: 0004 changes who that is
      await client.query('begin');
      try {
        await client.query(text);
        await client.query(`insert into ${client.escapeIdentifier(schema)}.migration (name, sha256) values ($1, $2)`, [name, sha256]);
        await grantRights(client, schema);
        await client.query('commit');
      } catch (cause) {
        await client.query('rollback');
        throw new Error(`migration ${schema}/${name} failed: ${(cause as Error).message}`, { cause });
      }
      applied.push(name);
    }
    return applied;
  });
}

/**
 * What the database does not have yet of these schemas, as `schema/file`; changes nothing and needs no more than to read
 * the schemas' tables `migration`. What it has beyond them is no fault: it may be newer than whoever asks.
 */
export async function pendingMigrations(connectionString: string, schemas: readonly Migrations[]): Promise<readonly string[]> {
  return connected(connectionString, async (client) => {
    const pending: string[] = [];
    for (const migrations of schemas) {
      const files = await filesOf(migrations);
      for (const { name } of missing(files, await appliedIn(client, migrations.schema))) pending.push(`${migrations.schema}/${name}`);
    }
    return pending;
  });
}

interface File {
  readonly schema: string;
  readonly name: string;
  readonly text: string;
  readonly sha256: string;
}

async function filesOf({ schema, directory }: Migrations): Promise<readonly File[]> {
  const names = (await readdir(directory)).filter((file) => /^\d{4}-.+\.sql$/.test(file)).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, directory), 'utf8');
      return { schema, name, text, sha256: createHash('sha256').update(text).digest('hex') };
    }),
  );
}

/** Name and digest of what was applied; nothing when the schema is not there. */
async function appliedIn(client: Client, schema: string): Promise<ReadonlyMap<string, string>> {
  const [there] = (await client.query<{ there: boolean }>(`select to_regclass($1) is not null as there`, [`${client.escapeIdentifier(schema)}.migration`])).rows;
  if (!there?.there) return new Map();
  const { rows } = await client.query<{ name: string; sha256: string }>(`select name, sha256 from ${client.escapeIdentifier(schema)}.migration`);
  return new Map(rows.map((row) => [row.name, row.sha256]));
}

function missing(files: readonly File[], applied: ReadonlyMap<string, string>): readonly File[] {
  for (const { schema, name, sha256 } of files) {
    const before = applied.get(name);
    if (before !== undefined && before !== sha256) {
      throw new Error(`migration ${schema}/${name} was changed after it had been applied; put the change into a new file`);
    }
  }
  return files.filter(({ name }) => !applied.has(name));
}

/** Makes the schema and its table `migration`, as the owner of the ledger's schema where there is one. */
async function createSchema(client: Client, schema: string): Promise<void> {
  const name = client.escapeIdentifier(schema);
  await client.query('begin');
  if ((await ownerOf(client, schema)) === undefined) {
    await client.query(`create schema ${name}`);
    const owner = await ownerOf(client, ledgerMigrations.schema);
    if (owner !== undefined) await client.query(`alter schema ${name} owner to ${client.escapeIdentifier(owner)}`);
  }
  await actAsOwner(client, schema);
  await client.query(
    `create table if not exists ${name}.migration (name text primary key, sha256 text not null, applied_at timestamptz not null default now())`,
  );
  await client.query('commit');
}

async function ownerOf(client: Client, schema: string): Promise<string | undefined> {
  const { rows } = await client.query<{ owner: string }>(`select pg_get_userbyid(nspowner) as owner from pg_namespace where nspname = $1`, [schema]);
  return rows[0]?.owner;
}

async function actAsOwner(client: Client, schema: string): Promise<void> {
  const owner = (await ownerOf(client, schema)) ?? '';
  await client.query(`set role ${client.escapeIdentifier(owner)}`).catch((cause: unknown) => {
    if ((cause as { code?: string }).code !== '42501') throw cause;
    throw new Error(`the schema ${schema} belongs to ${owner}, and ${client.user} is not a member of that role; apply migrations with a login that is`, { cause });
  });
}

/** Each migration may bring tables, and the roles' rights on them follow at once: see 0004-roles.sql. */
async function grantRights(client: Client, schema: string): Promise<void> {
  const { rows } = await client.query(`select 1 from pg_proc where proname = 'grant_rights' and pronamespace = to_regnamespace('ledger')`);
  if (rows.length > 0) await client.query(`select ledger.grant_rights($1)`, [schema]);
  // A schema that is nobody's own says itself who may do what in it; the ledger's function has just taken everything away.
  const own = `${client.escapeIdentifier(schema)}.grant_rights()`;
  const { rows: [says] } = await client.query<{ there: boolean }>('select to_regprocedure($1) is not null as there', [own]);
  if (says?.there) await client.query(`select ${own}`);
}

/** Before anybody else's role is taken: a superuser can see to it that indexes serve behind the wall, see 0006-projects.sql. */
async function keepIndexesInUse(client: Client): Promise<void> {
  const { rows } = await client.query(`select 1 from pg_proc, pg_roles where proname = 'keep_indexes_in_use' and pronamespace = to_regnamespace('ledger') and rolname = current_user and rolsuper`);
  if (rows.length > 0) await client.query('select ledger.keep_indexes_in_use()');
}

async function connected<T>(connectionString: string, use: (client: Client) => Promise<T>): Promise<T> {
  // Whoever migrates is at work for every project: a migration that moves rows has to see them, see 0006-projects.sql.
  const client = new Client({ connectionString, options: '-c vitae.projects=*' });
  client.on('error', () => undefined); // the connection broke: the statement at hand rejects by itself
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end(); // ends the session, and with it the advisory lock and the role
  }
}

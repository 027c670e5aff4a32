import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { Client } from 'pg';

/** Where this lib's own numbered SQL lies. */
export const ledgerMigrations = { schema: 'ledger', directory: new URL('../migrations/', import.meta.url) };

/**
 * Brings one schema up to date: every `NNNN-name.sql` of the directory that it does not have yet, in
 * order, each in its own transaction. An advisory lock lets one service at a time do so, whichever
 * starts first. Forward only: a file that was applied MUST NOT change, and the run says so if it did.
 *
 * @returns the names applied now.
 */
export async function migrate(
  connectionString: string,
  { schema, directory }: { readonly schema: string; readonly directory: URL },
): Promise<readonly string[]> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    await client.query(`select pg_advisory_lock(hashtextextended('vitae migrations', 0))`);
    await client.query(`create schema if not exists ${client.escapeIdentifier(schema)}`);
    const ledger = `${client.escapeIdentifier(schema)}.migration`;
    await client.query(
      `create table if not exists ${ledger} (name text primary key, sha256 text not null, applied_at timestamptz not null default now())`,
    );
    const known = await client.query<{ name: string; sha256: string }>(`select name, sha256 from ${ledger}`);
    const done = new Map(known.rows.map((row) => [row.name, row.sha256]));
    const applied: string[] = [];
    for (const name of (await readdir(directory)).filter((file) => /^\d{4}-.+\.sql$/.test(file)).sort()) {
      const text = await readFile(new URL(name, directory), 'utf8');
      const sha256 = createHash('sha256').update(text).digest('hex');
      const before = done.get(name);
      if (before === sha256) continue;
      if (before !== undefined) {
        throw new Error(`migration ${schema}/${name} was changed after it had been applied; put the change into a new file`);
      }
      await client.query('begin');
      try {
        await client.query(text);
        await client.query(`insert into ${ledger} (name, sha256) values ($1, $2)`, [name, sha256]);
        await client.query('commit');
      } catch (cause) {
        await client.query('rollback');
        throw new Error(`migration ${schema}/${name} failed: ${(cause as Error).message}`, { cause });
      }
      applied.push(name);
    }
    return applied;
  } finally {
    await client.end(); // ends the session, and with it the advisory lock
  }
}

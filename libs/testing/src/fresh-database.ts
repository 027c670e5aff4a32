import { randomBytes } from 'node:crypto';
import pg from 'pg';

export interface FreshDatabase {
  readonly url: string;
  /** Breaks open connections off. */
  drop(): Promise<void>;
}

/** A database that is prepared once for each run of Jest and then copied, which is quicker than migrating each time. */
export interface Template {
  /** Lower-case letters, digits and `_`; one name for one preparation. */
  readonly name: string;
  prepare(url: string): Promise<void>;
}

/** A database of the spec's own in the run's PostgreSQL: empty, or a copy of the template. Drop it in `afterAll`. */
export async function freshDatabase(template?: Template): Promise<FreshDatabase> {
  const server = serverUrl();
  const name = `spec_${randomBytes(6).toString('hex')}`;
  await withClient(server, async (client) => {
    const from = template ? await preparedTemplate(client, template) : 'template0';
    await client.query(`create database ${name} template ${from}`);
  });
  return {
    url: urlOf(name),
    drop: () => withClient(server, async (client) => void (await client.query(`drop database if exists ${name} with (force)`))),
  };
}

/** Spec files run in several processes; the advisory lock lets one of them prepare. */
async function preparedTemplate(client: pg.Client, template: Template): Promise<string> {
  const name = `template_${template.name}`;
  await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [name]);
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (found.rowCount) return name;
    const draft = `${name}_draft`; // renamed when done, so that one whose preparation failed is never copied
    await client.query(`drop database if exists ${draft} with (force)`);
    await client.query(`create database ${draft} template template0`);
    await template.prepare(urlOf(draft));
    await client.query(`alter database ${draft} rename to ${name}`);
    return name;
  } finally {
    await client.query('select pg_advisory_unlock(hashtextextended($1, 0))', [name]);
  }
}

function serverUrl(): string {
  const url = process.env['VITAE_SPECS_DATABASE_URL'];
  if (!url) throw new Error('No PostgreSQL runs for this spec. Name its file `*.int.spec.ts`, so that Jest starts one.');
  return url;
}

function urlOf(database: string): string {
  const url = new URL(serverUrl());
  url.pathname = database;
  return url.href;
}

async function withClient<T>(connectionString: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

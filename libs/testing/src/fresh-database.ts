import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { pseudonymIsSubject } from './pseudonym-is-subject.ts';

export interface FreshDatabase {
  readonly url: string;
  /**
   * Waits some seconds for connections that are on their way out, then breaks open ones off. `pg` says a pool has ended
   * before its connections have: one that was broken off in between would be an error that nobody listens for.
   */
  drop(): Promise<void>;
  /** Gone at once, whoever is connected: what a service meets that loses its database. */
  vanish(): Promise<void>;
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
  if (!template) await withClient(urlOf(name), (client) => client.query(pseudonymIsSubject));
  const vanish = (client: pg.Client): Promise<unknown> => client.query(`drop database if exists ${name} with (force)`);
  return {
    url: urlOf(name),
    drop: () =>
      withClient(server, async (client) => {
        await client.query(`drop database if exists ${name}`).catch(async (error: { code?: string }) => {
          if (error.code !== '55006' /* object_in_use, after five seconds */) throw error;
          await vanish(client);
        });
      }),
    vanish: () => withClient(server, async (client) => void (await vanish(client))),
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
    await withClient(urlOf(draft), (inside) => inside.query(pseudonymIsSubject));
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

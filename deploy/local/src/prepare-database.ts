import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import type { ServiceName } from './ports.ts';
import { repositoryRoot } from './repository.ts';

/** The schemas and where their numbered SQL lies, in the order in which they are made. */
const schemas = {
  ledger: 'libs/event-store/migrations',
  messaging: 'libs/messaging/migrations',
  access: 'libs/service-kit/migrations/access',
  registry: 'services/registry/migrations',
  governance: 'services/governance/migrations',
  deployment: 'services/deployment/migrations',
  monitoring: 'services/monitoring/migrations',
  webhooks: 'services/ledger/migrations',
};

/** Who gets a login of its own, in the role `vitae_<name>`. */
const loginNames = ['registry', 'governance', 'deployment', 'monitoring', 'ledger', 'auditor'] as const;
type LoginName = (typeof loginNames)[number];

/** The address of the database for each service that has one, and for who only looks (`auditor`). */
export type DatabaseUrls = Readonly<Record<LoginName, string>>;

export const hasDatabase = (service: ServiceName): service is ServiceName & LoginName => (loginNames as readonly string[]).includes(service);

/** Of libs/event-store/src/migrate.ts. */
interface EventStore {
  migrate(url: string, migrations: Migrations): Promise<readonly string[]>;
  pendingMigrations(url: string, schemas: readonly Migrations[]): Promise<readonly string[]>;
}
interface Migrations {
  readonly schema: string;
  readonly directory: URL;
}

/**
 * Applies what the database lacks, as the owner of the schemas. Resolves with the names of what was applied. Whoever
 * `adminUrl` names MUST be a member of the owner's role, or be allowed to make roles, or own the database himself.
 */
export async function applyMigrations(adminUrl: string): Promise<readonly string[]> {
  const { migrate, pendingMigrations } = await eventStore();
  const all = Object.entries(schemas).map(([schema, path]) => ({ schema, directory: pathToFileURL(join(repositoryRoot, path, '/')) }));
  const pending = await pendingMigrations(adminUrl, all);
  if (pending.length > 0) for (const migrations of all) await migrate(adminUrl, migrations);
  return pending;
}

/** Makes the roles where they are missing. False: `adminUrl` names somebody who may not, and all services have to share his role. */
export const makeRoles = (adminUrl: string): Promise<boolean> => withClient(adminUrl, separateRoles);

/** The launcher must not depend on what it launches, so it is loaded by its place. */
export async function eventStore(): Promise<EventStore> {
  const form = import.meta.url.endsWith('.ts') ? { folder: 'src', type: 'ts' } : { folder: 'dist', type: 'js' };
  const place = join(repositoryRoot, 'libs', 'event-store', form.folder, `migrate.${form.type}`);
  return (await import(pathToFileURL(place).href)) as EventStore;
}

/**
 * Gives each service a login that may do what its role may and nothing else. The passwords are random and kept in
 * `file`; logins that are in it and not in the database are made. Resolves with undefined when `adminUrl` names somebody
 * who may not make roles, or when the server does not let the logins in: then there is one login for everything.
 */
export async function openLogins(adminUrl: string, file: string): Promise<DatabaseUrls | undefined> {
  const logins = await loginsIn(file);
  const urls = Object.fromEntries(loginNames.map((name) => [name, addressFor(adminUrl, logins[name])])) as Record<LoginName, string>;
  const made = await withClient(adminUrl, async (client) => {
    if (!(await separateRoles(client))) return false;
    const { rows } = await client.query<{ rolname: string }>('select rolname from pg_roles where rolname = any($1)', [loginNames.map((name) => logins[name].user)]);
    const there = new Set(rows.map(({ rolname }) => rolname));
    const missing = loginNames.filter((name) => !there.has(logins[name].user));
    for (const name of missing) {
      const { user, password } = logins[name];
      await client.query(`create role ${user} login password ${client.escapeLiteral(password)} in role vitae_${name}`);
    }
    return true;
  }).catch(unless('42501')); // insufficient_privilege
  if (!made) return undefined;
  const letIn = await withClient(urls.auditor, async () => true).catch(unless('28000', '28P01')); // what pg_hba.conf says
  return letIn ? urls : undefined;
}

interface Login {
  readonly user: string;
  readonly password: string;
}

/** Names end at random: two clones may use one server, and one must not change the other's passwords. */
async function loginsIn(file: string): Promise<Record<LoginName, Login>> {
  if (existsSync(file)) return JSON.parse(await readFile(file, 'utf8')) as Record<LoginName, Login>;
  const suffix = randomBytes(3).toString('hex');
  const logins = Object.fromEntries(loginNames.map((name) => [name, { user: `vitae_${name}_${suffix}`, password: randomBytes(24).toString('hex') }]));
  await writeFile(file, `${JSON.stringify(logins, undefined, 2)}\n`, { mode: 0o600 });
  return logins as Record<LoginName, Login>;
}

/** Whether owner and services are roles of their own; makes them so where `client` may. */
async function separateRoles(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ separate: boolean }>(
    `select case when n.nspowner = to_regrole('vitae_owner') and not exists (select from ledger.services() s where to_regrole('vitae_' || s.service) is null)
       then true else ledger.separate_roles() end as separate
     from pg_namespace n where n.nspname = 'ledger'`,
  );
  // Only a superuser can, and a dump does not bring it along. See 0006-projects.sql.
  const me = await client.query<{ rolsuper: boolean }>('select rolsuper from pg_roles where rolname = current_user');
  if (me.rows[0]?.rolsuper) await client.query('select ledger.keep_indexes_in_use()');
  if (rows[0]?.separate !== true) return false;
  // People and tokens: a schema of all services, whose rights are not those of any one.
  const { rows: [access] } = await client.query<{ there: boolean }>(`select to_regprocedure('access.grant_rights()') is not null as there`);
  if (access?.there) await client.query('select access.grant_rights()');
  return true;
}

function addressFor(adminUrl: string, { user, password }: Login): string {
  const url = new URL(adminUrl);
  url.username = user;
  url.password = password;
  return url.href;
}

/** Turns an error with one of these codes of PostgreSQL into `false`, and lets every other one through. */
const unless = (...codes: readonly string[]) => (error: unknown): false => {
  if (!codes.includes((error as { code?: string }).code ?? '')) throw error;
  return false;
};

async function withClient<T>(connectionString: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

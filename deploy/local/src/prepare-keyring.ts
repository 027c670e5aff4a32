import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { eventStore, type DatabaseUrls } from './prepare-database.ts';
import { repositoryRoot } from './repository.ts';

/** Where the services find the keys of people: the addresses by service, or one for all. */
export interface KeyringSettings {
  readonly urls: string | DatabaseUrls;
  readonly tenantKeyFile: string;
}

/**
 * Makes the database of the keys beside the ledger's (`<name>_keys`), brings it up to date and lets the services in. It is
 * another database so that no dump of the ledger holds a key. Settings of one's own (KEYRING_DATABASE_URL,
 * VITAE_TENANT_KEY_FILE) go before. The tenant key is made by the first service that starts.
 * @throws when the database is missing and cannot be made; the message says what to do.
 */
export async function prepareKeyring(adminUrl: string, databaseUrls: DatabaseUrls | undefined, dataDir: string, env: NodeJS.ProcessEnv): Promise<KeyringSettings> {
  const tenantKeyFile = env['VITAE_TENANT_KEY_FILE'] || join(dataDir, 'keys', 'tenant.key');
  const given = env['KEYRING_DATABASE_URL'];
  if (given) return { urls: given, tenantKeyFile };

  const name = `${decodeURIComponent(new URL(adminUrl).pathname.slice(1))}_keys`;
  await createDatabase(adminUrl, name);
  const url = besides(adminUrl, name);
  const { migrate, pendingMigrations } = await eventStore();
  const migrations = { schema: 'keyring', directory: pathToFileURL(join(repositoryRoot, 'libs', 'keyring', 'migrations', '/')) };
  if ((await pendingMigrations(url, [migrations])).length > 0) await migrate(url, migrations);
  if (!databaseUrls) return { urls: url, tenantKeyFile };
  await query(url, 'select keyring.grant_rights()'); // the roles may be younger than the keys
  const urls = Object.fromEntries(Object.entries(databaseUrls).map(([service, one]) => [service, besides(one, name)])) as unknown as DatabaseUrls; // the same names
  return { urls, tenantKeyFile };
}

async function createDatabase(adminUrl: string, name: string): Promise<void> {
  const found = await query(adminUrl, 'select 1 from pg_database where datname = $1', [name]);
  if (found.length > 0) return;
  await query(adminUrl, `create database ${pg.escapeIdentifier(name)}`).catch((cause: unknown) => {
    throw new Error(
      `The keys of people belong into a database of their own, ${name}, and it cannot be made: ${(cause as Error).message}. ` +
        'Make it (its owner must be the user of DATABASE_URL), or name another one in KEYRING_DATABASE_URL.',
      { cause },
    );
  });
}

/** The address of another database of the same server, for the same user. */
function besides(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = encodeURIComponent(name);
  return other.href;
}

async function query(url: string, text: string, values: readonly unknown[] = []): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text, [...values])).rows;
  } finally {
    await client.end();
  }
}

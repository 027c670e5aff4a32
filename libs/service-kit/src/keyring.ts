import { Keyring } from '@vitae/keyring';
import type { BaseConfig } from './config.ts';

/**
 * Opens the keyring that the settings name. Undefined where they name none, which only local mode allows: then what people
 * write is stored as it is, and cannot be erased.
 * @throws with what cannot be used, and which setting says so.
 */
export async function openKeyring(service: string, { KEYRING_DATABASE_URL: databaseUrl, VITAE_TENANT_KEY_FILE: tenantKeyFile, VITAE_MODE: mode }: BaseConfig): Promise<Keyring | undefined> {
  if (databaseUrl === undefined || tenantKeyFile === undefined) return undefined;
  try {
    return await Keyring.open({ databaseUrl, tenantKeyFile, create: mode === 'local' });
  } catch (cause) {
    const { host, pathname } = new URL(databaseUrl);
    throw new Error(`${service} cannot use the keyring at ${host}${pathname}: ${(cause as Error).message}. Correct KEYRING_DATABASE_URL or VITAE_TENANT_KEY_FILE.`, { cause });
  }
}

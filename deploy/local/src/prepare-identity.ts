import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { audience, clientIdOf } from './identity/clients.ts';
import { kept, prepareKeys, secretFileOf } from './identity/keys.ts';
import { firstGrants } from './identity/personas.ts';
import { serviceNames, type ServiceName } from './ports.ts';

/** Who says to the services who somebody is, and what that one may do. */
export interface Identity {
  readonly issuer: string;
  readonly audience: string;
  readonly grantsFile: string;
  /** The directory with the services' secrets; absent with an issuer of one's own, then the environment says who the services are. */
  readonly keyDir?: string;
}

/** Makes keys, secrets and the grants file where there are none yet; the local provider and the services find them then. */
export async function prepareIdentity(dataDir: string, port: number): Promise<Identity & { readonly keyDir: string }> {
  const keyDir = join(dataDir, 'keys', 'oidc');
  await prepareKeys(keyDir);
  const grantsFile = join(dataDir, 'access', 'grants.json');
  await mkdir(join(dataDir, 'access'), { recursive: true, mode: 0o700 });
  await kept(grantsFile, () => JSON.stringify(firstGrants(serviceNames.map(clientIdOf)), undefined, 2));
  return { issuer: `http://127.0.0.1:${port}`, audience, grantsFile, keyDir };
}

/** @throws when the environment says nothing about what people of that issuer may do. */
export function identityElsewhere(issuer: string, env: NodeJS.ProcessEnv): Identity {
  const grantsFile = env['VITAE_GRANTS_FILE'];
  if (!grantsFile || !existsSync(grantsFile)) {
    throw new Error(
      `OIDC_ISSUER names ${issuer}, so VITAE_GRANTS_FILE has to name the file that says what its groups may do${grantsFile ? `, and there is no ${grantsFile}` : ''}. ` +
        'The file of the local provider, .data/access/grants.json, shows its form. Without OIDC_ISSUER a local provider is started.',
    );
  }
  return { issuer, audience: env['OIDC_AUDIENCE'] || audience, grantsFile };
}

/** The variables of one service about identity, as its config reads them. */
export function identityEnvironment(service: ServiceName, { issuer, audience: forWhom, grantsFile, keyDir }: Identity): NodeJS.ProcessEnv {
  const common = { OIDC_ISSUER: issuer, OIDC_AUDIENCE: forWhom, VITAE_GRANTS_FILE: grantsFile };
  if (!keyDir) return common;
  const clientId = clientIdOf(service);
  return { ...common, VITAE_CLIENT_ID: clientId, VITAE_CLIENT_SECRET_FILE: secretFileOf(keyDir, clientId) };
}

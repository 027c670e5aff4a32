import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

const ROLES = ['viewer', 'data-scientist', 'ml-engineer', 'business-owner', 'validator', 'risk-officer', 'platform-engineer', 'auditor', 'administrator', 'service'];
const PROJECTS = ['alpha', 'beta', 'credit', 'fraud'];

/** What is started. */
export interface SpecIssuer {
  /** What `as` and `specAccess` read of the environment, as VITAE_SPECS_ISSUER. */
  readonly settings: string;
  stop(): Promise<void>;
}

/**
 * The issuer of tokens that runs beside the specs: OpenID Connect Discovery, a JWKS, and the grants of its groups. Only what
 * services ask of an issuer is here; logging in is tried with a whole provider.
 * @param directory where the file of grants is written.
 */
export async function startSpecIssuer(directory: string): Promise<SpecIssuer> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keys = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'spec', alg: 'ES256', use: 'sig' }] };
  const server = createServer((request, response) => {
    const url = address();
    const documents: Readonly<Record<string, object>> = { '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/jwks` }, '/jwks': keys };
    const document = documents[request.url ?? ''];
    response.writeHead(document ? 200 : 404, { 'Content-Type': 'application/json' }).end(JSON.stringify(document ?? {}));
  });
  const address = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const grantsFile = join(directory, 'grants.json');
  const grants = ROLES.flatMap((role) => [{ group: role, role, projects: ['*'] }, ...PROJECTS.map((project) => ({ group: `${role}@${project}`, role, projects: [project] }))]);
  await writeFile(grantsFile, JSON.stringify({ grants }));
  return {
    settings: JSON.stringify({ url: address(), grantsFile, pem: privateKey.export({ type: 'pkcs8', format: 'pem' }) }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

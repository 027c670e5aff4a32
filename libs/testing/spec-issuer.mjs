// The issuer of tokens that runs beside the specs: OpenID Connect Discovery, a JWKS, and the grants of its groups. Only what
// services ask of an issuer is here; logging in is tried with a whole provider.
import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

const ROLES = ['viewer', 'data-scientist', 'ml-engineer', 'business-owner', 'validator', 'risk-officer', 'platform-engineer', 'auditor', 'administrator', 'service'];
const PROJECTS = ['alpha', 'beta', 'credit', 'fraud'];

/** @returns {Promise<{ settings: string, stop(): Promise<void> }>} what `libs/testing/src/spec-access.ts` reads of the environment. */
export async function startSpecIssuer(directory) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keys = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'spec', alg: 'ES256', use: 'sig' }] };
  const server = createServer((request, response) => {
    const { port } = server.address();
    const url = `http://127.0.0.1:${port}`;
    const documents = { '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/jwks` }, '/jwks': keys };
    const document = documents[request.url];
    response.writeHead(document ? 200 : 404, { 'Content-Type': 'application/json' }).end(JSON.stringify(document ?? {}));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const grantsFile = join(directory, 'grants.json');
  const grants = ROLES.flatMap((role) => [{ group: role, role, projects: ['*'] }, ...PROJECTS.map((project) => ({ group: `${role}@${project}`, role, projects: [project] }))]);
  await writeFile(grantsFile, JSON.stringify({ grants }));
  return {
    settings: JSON.stringify({ url: `http://127.0.0.1:${server.address().port}`, grantsFile, pem: privateKey.export({ type: 'pkcs8', format: 'pem' }) }),
    stop: () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())),
  };
}

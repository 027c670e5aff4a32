import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';

// Where services open connections, and to whose addresses: what a caller may write down as an address is asked by `libs/webhooks`
// alone, which judges it for each connection (SSRF). A new way out fails here, and whoever adds it says whose address it is.

const root = fileURLToPath(new URL('../../', import.meta.url));
const OUT = /(?<![.\w])fetch(?:By)?\(|= fetch\b|from 'undici'|from 'node:(?:net|tls|dgram)'|\b(?:request|get)\b.*from 'node:https?'|from 'openid-client'|from '@aws-sdk\/|createRemoteJWKSet/;

const WHOSE: Readonly<Record<string, string>> = {
  'libs/webhooks/src/poster.ts': 'callers’, each judged when it is connected to',
  'libs/service-kit/src/access/introspection.client.ts': 'the operator’s: governance',
  'libs/service-kit/src/access/service-token.client.ts': 'the operator’s: the issuer',
  'libs/service-kit/src/access/key-set.client.ts': 'the operator’s: the issuer',
  'libs/service-kit/src/access/verify-token.client.ts': 'the operator’s: the issuer',
  'libs/service-kit/src/access/workload-issuer.client.ts': 'the operator’s: the cluster',
  'libs/service-kit/src/served-certificate.ts': 'nobody’s: it looks whether a certificate fits its key',
  'services/console/src/front-door/services.client.ts': 'the operator’s: our services',
  'services/console/src/session/issuer.client.ts': 'the operator’s: the issuer',
  'services/deployment/src/endpoint/runtime.client.ts': 'the operator’s: the runtime',
  'services/ledger/src/ledger-pages.store.ts': 'nobody’s: a function of that name, which reads the database',
  'services/ledger/src/transparency/witness.client.ts': 'the operator’s: the witnesses',
  'services/monitoring/src/baseline/registry.client.ts': 'the operator’s: the registry',
  'services/registry/src/artefact/depot.ts': 'nobody’s: a method of that name',
  'services/registry/src/artefact/file-depot.store.ts': 'nobody’s: a method of that name, which reads files',
  'services/registry/src/artefact/s3-depot.store.ts': 'the operator’s: the object store',
  'services/registry/src/openlineage/push.client.ts': 'the operator’s: who is told of lineage',
  'services/runtime/src/inference-log/monitoring.client.ts': 'the operator’s: monitoring',
  'services/runtime/src/model-server/artefact.client.ts': 'the operator’s: the registry',
};

it('goes out only where it is listed, with whose address it is', () => {
  const files = globSync('{services,libs}/*/src/**/*.ts', { cwd: root }).filter((file) => !/\.(spec|fixture)\.ts$|\/gen\/|^libs\/(cli|client|testing)\//.test(file));
  const found = files.filter((file) => readFileSync(`${root}${file}`, 'utf8').split('\n').some((line) => !/^\s*(\*|\/\/|\/\*|import type )/.test(line) && OUT.test(line)));
  expect(found.sort()).toEqual(Object.keys(WHOSE).sort());
});

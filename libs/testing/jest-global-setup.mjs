// Runs once before all spec files, in Jest's own process. Node 24 reads the launcher's TypeScript as it is, so that
// specs run without a build.
import { globSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSpecIssuer } from './src/spec-issuer.ts';

/**
 * Starts the one PostgreSQL in which every spec file gets databases of its own and the one issuer of tokens, and makes sure of a nats-server, of
 * which each spec file starts its own. Neither is started when only pure specs are run.
 */
export default async function setup({ rootDir, testPathPatterns }) {
  if (!someSpecNeedsServers(rootDir, testPathPatterns.patterns)) return;
  const launcher = new URL('../../deploy/local/src/index.ts', import.meta.url);
  const { findNatsServer, startPostgres } = await import(launcher.href);
  const directory = await mkdtemp(join(tmpdir(), 'vitae-specs-'));
  const issuer = await startSpecIssuer(directory);
  const [postgres, nats] = await Promise.allSettled([
    startPostgres({ dataDir: join(directory, 'postgres'), database: 'postgres', durable: false }),
    findNatsServer({ report: (line) => console.log(line) }),
  ]);
  globalThis.stopTestServers = async () => {
    if (postgres.status === 'fulfilled') await postgres.value.stop('immediate');
    await issuer.stop();
    await rm(directory, { recursive: true, force: true });
  };
  const failed = [postgres, nats].find(({ status }) => status === 'rejected');
  if (failed) {
    await globalThis.stopTestServers();
    throw failed.reason;
  }
  process.env.VITAE_SPECS_DATABASE_URL = postgres.value.url;
  process.env.NATS_SERVER_BIN = nats.value;
  process.env.VITAE_SPECS_ISSUER = issuer.settings;
}

function someSpecNeedsServers(rootDir, patterns) {
  const specs = globSync('{libs,services,deploy/local,test}/**/*.{int,e2e}.spec.ts', {
    cwd: rootDir,
    exclude: (name) => name.includes('node_modules') || name.includes('dist'),
  });
  return specs.some((spec) => patterns.length === 0 || patterns.some((pattern) => new RegExp(pattern, 'i').test(join(rootDir, spec))));
}

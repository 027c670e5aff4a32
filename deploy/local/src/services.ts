import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { repositoryRoot } from './repository.ts';
import { serviceNames, type Ports, type ServiceName } from './ports.ts';
import type { BrokerLogins } from './prepare-broker.ts';
import { identityEnvironment, type Identity } from './prepare-identity.ts';
import { hasDatabase, type DatabaseUrls } from './prepare-database.ts';
import type { KeyringSettings } from './prepare-keyring.ts';
import type { Program } from './supervisor.ts';

/** What the services of one suite share. */
export interface SuiteSettings {
  readonly root: string;
  readonly dataDir: string;
  readonly ports: Ports;
  /** Of who may do everything there. */
  readonly databaseUrl: string;
  /** Of the services' own logins. Absent: they share `databaseUrl` and apply the migrations themselves. */
  readonly databaseUrls?: DatabaseUrls | undefined;
  /** Absent: what people write is stored in clear. */
  readonly keyring?: KeyringSettings | undefined;
  readonly natsUrl: string;
  readonly identity: Identity;
  /** Absent: whoever reaches the NATS server may do everything there, or `env` says who we are. */
  readonly brokerLogins?: BrokerLogins | undefined;
  /** The environment that the services inherit; ours comes on top. */
  readonly env: NodeJS.ProcessEnv;
}

const host = '127.0.0.1';

/** Where `bundle.ts` puts the services. Inside the clone, so that what stays outside of it is found in node_modules. */
export const bundleDirectory = join(repositoryRoot, 'deploy', 'local', 'dist', 'services');

/**
 * How Node is to run a service where several programs share few cores: without helpers for its garbage collector, which take
 * the cores from the others, and for which each collection waits. Measured on two cores: a tenth of the time from a commit to
 * its subscribers.
 */
export const nodeFlags: readonly string[] = availableParallelism() <= 2 ? ['--single-threaded-gc'] : [];

/** Telemetry before everything else, so that it sees http and pg being loaded. */
const nodeArgs = [...nodeFlags, '--import', pathToFileURL(join(bundleDirectory, 'telemetry.mjs')).href];

export const addressOf = (ports: Ports, service: ServiceName): string => `http://${host}:${ports[service]}`;

/** The environment of one service, as its config.ts reads it. */
export function environmentOf(service: ServiceName, settings: SuiteSettings): NodeJS.ProcessEnv {
  const { dataDir, ports, natsUrl, brokerLogins, identity, env } = settings;
  const addresses = serviceNames
    .filter((name) => name !== 'console')
    .map((name) => [`${name.toUpperCase()}_URL`, addressOf(ports, name)] as const);
  return {
    LOG_LEVEL: 'info',
    ...env,
    NODE_ENV: 'production',
    NODE_COMPILE_CACHE: compileCacheIn(dataDir),
    HOST: host,
    PORT: String(ports[service]),
    ...databaseOf(service, settings),
    ...keyringOf(service, settings),
    NATS_URL: natsUrl,
    ...(brokerLogins ? { NATS_NKEY_FILE: brokerLogins.keyFileOf(service) ?? '' } : {}),
    ...identityEnvironment(service, identity),
    VITAE_MODE: 'local',
    VITAE_DATA_DIR: join(dataDir, 'services', service),
    OTEL_SERVICE_NAME: `vitae-${service}`,
    ...Object.fromEntries(addresses),
  };
}

/** Empty (which counts as absent) for a service that has no database: what it inherits would be the address of somebody mightier. */
function databaseOf(service: ServiceName, { databaseUrl, databaseUrls }: SuiteSettings): NodeJS.ProcessEnv {
  if (!hasDatabase(service)) return { DATABASE_URL: '' };
  return databaseUrls ? { DATABASE_URL: databaseUrls[service], VITAE_MIGRATIONS: 'check' } : { DATABASE_URL: databaseUrl };
}

/** Empty, too, for a service that writes nothing. */
function keyringOf(service: ServiceName, { keyring }: SuiteSettings): NodeJS.ProcessEnv {
  if (!keyring || !hasDatabase(service)) return { KEYRING_DATABASE_URL: '', VITAE_TENANT_KEY_FILE: '' };
  const { urls, tenantKeyFile } = keyring;
  return { KEYRING_DATABASE_URL: typeof urls === 'string' ? urls : urls[service], VITAE_TENANT_KEY_FILE: tenantKeyFile };
}

/** Where Node keeps compiled code from start to start: about a tenth of a service's start is compiling. */
const compileCacheIn = (dataDir: string): string => join(dataDir, 'cache', 'compile');

export const logFileOf = (dataDir: string, name: string): string => join(dataDir, 'logs', `${name}.log`);

/** One process for each service. */
export function oneProgramEach(settings: SuiteSettings): Program[] {
  return serviceNames.map((name) => ({
    name,
    command: process.execPath,
    args: [...nodeArgs, join(bundleDirectory, `${name}.mjs`)],
    env: environmentOf(name, settings),
    cwd: settings.root,
    logFile: logFileOf(settings.dataDir, name),
    readyUrls: [`${addressOf(settings.ports, name)}/readyz`],
  }));
}

/** All services in one process. Its environment carries one environment for each service. */
export function oneProgramForAll(settings: SuiteSettings): Program[] {
  const environments = Object.fromEntries(serviceNames.map((name) => [name, environmentOf(name, { ...settings, env: {} })]));
  return [
    {
      name: 'all services',
      command: process.execPath,
      args: [...nodeArgs, join(settings.root, 'deploy', 'local', 'dist', 'single.js')],
      env: { ...settings.env, NODE_ENV: 'production', NODE_COMPILE_CACHE: compileCacheIn(settings.dataDir), OTEL_SERVICE_NAME: 'vitae', VITAE_SERVICE_ENVIRONMENTS: JSON.stringify(environments) },
      cwd: settings.root,
      logFile: logFileOf(settings.dataDir, 'services'),
      readyUrls: serviceNames.map((name) => `${addressOf(settings.ports, name)}/readyz`),
    },
  ];
}

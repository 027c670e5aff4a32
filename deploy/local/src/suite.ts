import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findNatsServer } from './find-nats-server.ts';
import { keepSubscribers } from './keep-subscribers.ts';
import { natsStoreIn, startNats, type NatsServer } from './nats-server.ts';
import { claimPorts, mustBeFree, portsFrom, serviceNames, type PortClaim, type Ports, type ServiceName } from './ports.ts';
import { prepareBroker, type BrokerLogins } from './prepare-broker.ts';
import { applyMigrations, openLogins, type DatabaseUrls } from './prepare-database.ts';
import { identityElsewhere, type Identity } from './prepare-identity.ts';
import { startIdentity, type IdentityServer } from './identity-server.ts';
import { prepareKeyring, type KeyringSettings } from './prepare-keyring.ts';
import { startPostgres, type PostgresServer } from './postgres-server.ts';
import { sessionsAt, type Sessions } from './log-in.ts';
import { repositoryRoot } from './repository.ts';
import { addressOf, logFileOf, oneProgramEach, oneProgramForAll, type SuiteSettings } from './services.ts';
import { supervise, type Program, type Supervised } from './supervisor.ts';

export interface SuiteOptions {
  /** Everything the suite keeps: database, JetStream store, bytes of the services, logs. Made when it is not there. */
  readonly dataDir: string;
  /** Default: any base whose ports are free. */
  readonly portBase?: number;
  /** Use this PostgreSQL and start none. */
  readonly databaseUrl?: string;
  /** Use this NATS server and start none. */
  readonly natsUrl?: string;
  /** Use this OpenID issuer and start none. `env` says then who the services are there, and what its people may do. */
  readonly issuer?: string;
  /** All services in one process. */
  readonly single?: boolean;
  /** false for a suite that is thrown away after a test. Default true. */
  readonly durable?: boolean;
  /** What the services inherit. Default: our own environment. */
  readonly env?: NodeJS.ProcessEnv;
  readonly report?: (line: string) => void;
  /** Gives the start up; what runs already is stopped. */
  readonly signal?: AbortSignal;
  /** What to run on the database and the broker. Default: the seven services. */
  readonly programs?: (settings: SuiteSettings) => Program[];
}

export interface Suite extends Sessions {
  readonly frontDoor: string;
  readonly ports: Ports;
  readonly databaseUrl: string;
  readonly natsUrl: string;
  /** The file with the nkey's seed of who only looks; undefined with a NATS server of one's own. */
  readonly natsKeyFile: string | undefined;
  readonly natsStoreDir: string;
  /** The OpenID issuer whose tokens the services believe. */
  readonly issuer: string;
  readonly dataDir: string;
  addressOf(service: ServiceName): string;
  /** Of a service; with `single`, of the one process. Undefined while it is down. */
  pidOf(service: ServiceName): number | undefined;
  restartsOf(service: ServiceName): number;
  /** Sends a signal to a service's process. The supervisor starts it again when it ends of it. */
  kill(service: ServiceName, signal: NodeJS.Signals): boolean;
  /** Resolves when that service (default: all of them) is ready, as its /readyz says. */
  ready(service?: ServiceName): Promise<void>;
  /** Resolves with the reason when PostgreSQL or NATS has ended although nobody stopped it. */
  readonly broken: Promise<string>;
  /** Services first, then the OpenID provider, NATS and PostgreSQL. Data stays. May be called twice. */
  stop(): Promise<void>;
}

/** Starts PostgreSQL, NATS, the OpenID provider and the services; resolves when all are ready. On failure it stops what it had started. */
export async function startSuite(options: SuiteOptions): Promise<Suite> {
  const { dataDir, signal } = options;
  const report = options.report ?? (() => undefined);
  await mkdir(dataDir, { recursive: true });
  const claim = options.portBase === undefined ? await claimPorts() : undefined;
  const ports = portsFrom(options.portBase ?? claim!.base);

  const parts: Parts = { services: [], claim };
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= stopInOrder(parts, report));
  const broken = new Promise<string>((resolve) => {
    parts.onEnd = (what, how) => {
      if (!stopped) resolve(`${what} ended by itself (${how}); see ${logFileOf(dataDir, what)}`);
    };
  });

  try {
    for (const name of serviceNames) await mustBeFree(`the ${name} service`, ports[name]);
    await startServers(options, ports, parts, report);
    const databaseUrl = options.databaseUrl ?? parts.postgres!.url; // startServers started what was not given
    const natsUrl = options.natsUrl ?? parts.nats!.url;
    const { databaseUrls, keyring, brokerLogins } = parts;
    const identity = parts.identity!; // startServers prepared it
    const settings: SuiteSettings = { root: repositoryRoot, dataDir, ports, databaseUrl, databaseUrls, keyring, natsUrl, brokerLogins, identity, env: options.env ?? process.env };

    const programs = options.programs ?? (options.single ? oneProgramForAll : oneProgramEach);
    parts.services = programs(settings).map((program) => supervise(program, report));
    const ready = Promise.all(parts.services.map((service) => timed(report, service.name, () => service.ready())));
    await Promise.race([ready, rejection(broken), ...(signal ? [aborted(signal)] : [])]);
    return handles(parts, settings, broken, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What a suite is made of, as far as it has come. */
interface Parts {
  readonly claim: PortClaim | undefined;
  postgres?: PostgresServer;
  databaseUrls?: DatabaseUrls | undefined;
  keyring?: KeyringSettings;
  brokerLogins?: BrokerLogins;
  nats?: NatsServer;
  subscribers?: { stop(): Promise<void> };
  identity?: Identity;
  provider?: IdentityServer;
  services: readonly Supervised[];
  onEnd?: (server: 'postgres' | 'nats', how: string) => void;
}

/** PostgreSQL, NATS and the OpenID provider side by side. When one fails, the others are given up too, or have come up and stand in `parts`. */
async function startServers(options: SuiteOptions, ports: Ports, parts: Parts, report: (line: string) => void): Promise<void> {
  const { dataDir, databaseUrl, natsUrl, issuer, durable } = options;
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])]);

  const startDatabase = async (): Promise<void> => {
    const place = { dataDir: join(dataDir, 'postgres'), port: ports.postgres, logFile: logFileOf(dataDir, 'postgres') };
    const server = (parts.postgres = await startPostgres({ ...place, durable }));
    void server.ended.then((how) => parts.onEnd?.('postgres', how));
  };
  const prepare = async (): Promise<void> => {
    const url = databaseUrl ?? parts.postgres!.url;
    await applyMigrations(url);
    parts.databaseUrls = await openLogins(url, join(dataDir, 'logins.json'));
    if (!parts.databaseUrls) report(`the user of ${withoutPassword(url)} may not make logins, or they are not let in: all services use this one`);
    parts.keyring = await prepareKeyring(url, parts.databaseUrls, dataDir, options.env ?? process.env);
  };
  const startBroker = async (): Promise<void> => {
    await mustBeFree('NATS', ports.nats); // before a search that may take a minute
    const binary = await findNatsServer({ env: options.env, report, signal });
    const keys = join(dataDir, 'keys', 'nats');
    const subscribers = join(dataDir, 'access', 'subscribers.json');
    const { configFile } = (parts.brokerLogins = await prepareBroker(keys, subscribers));
    const server = (parts.nats = await startNats({ storeDir: natsStoreIn(dataDir), port: ports.nats, binary, configFile, logFile: logFileOf(dataDir, 'nats') }));
    void server.ended.then((how) => parts.onEnd?.('nats', how));
    parts.subscribers = keepSubscribers({ directory: keys, file: subscribers, server, report });
  };
  const startProvider = async (): Promise<void> => {
    parts.provider = await startIdentity({ dataDir, port: ports.identity, frontDoor: addressOf(ports, 'console'), logFile: logFileOf(dataDir, 'identity'), report, signal });
    parts.identity = parts.provider.identity;
  };
  if (issuer) parts.identity = identityElsewhere(issuer, options.env ?? process.env);
  const starts = [
    (databaseUrl ? Promise.resolve() : timed(report, 'PostgreSQL', startDatabase)).then(() => timed(report, 'schemas and roles', prepare)),
    ...(natsUrl ? [] : [timed(report, 'NATS', startBroker)]),
    ...(issuer ? [] : [timed(report, 'OpenID provider', startProvider)]),
  ];
  for (const start of starts) start.catch((error) => failed.abort(error));
  await Promise.allSettled(starts);
  signal.throwIfAborted();
}

function handles(parts: Parts, settings: SuiteSettings, broken: Promise<string>, stop: () => Promise<void>): Suite {
  const { dataDir, ports, databaseUrl, natsUrl, brokerLogins, identity } = settings;
  const named = (service: ServiceName): Supervised => {
    const found = parts.services.find(({ name }) => name === service) ?? parts.services[0]; // the one for all
    if (!found) throw new Error(`${service} does not run.`);
    return found;
  };
  return {
    frontDoor: addressOf(ports, 'console'),
    ports,
    databaseUrl,
    natsUrl,
    natsKeyFile: brokerLogins?.keyFileOf('auditor'),
    natsStoreDir: natsStoreIn(dataDir),
    issuer: identity.issuer,
    dataDir,
    ...sessionsAt(identity),
    addressOf: (service) => addressOf(ports, service),
    pidOf: (service) => named(service).pid,
    restartsOf: (service) => named(service).restarts,
    kill: (service, signalName) => named(service).kill(signalName),
    ready: async (service) => {
      await Promise.all((service ? [named(service)] : parts.services).map((one) => one.ready()));
    },
    broken,
    stop,
  };
}

/** What uses goes before what is used, so that a service can finish its work while it stops. */
async function stopInOrder({ services, provider, subscribers, nats, postgres, claim }: Parts, report: (line: string) => void): Promise<void> {
  if (services.length > 0) report('stopping the services');
  await Promise.all(services.map((service) => service.stop()));
  if (provider) report('stopping the OpenID provider');
  await provider?.stop();
  await subscribers?.stop();
  if (nats) report('stopping NATS');
  await nats?.stop();
  if (postgres) report('stopping PostgreSQL');
  await postgres?.stop();
  await claim?.release();
}

async function timed<T>(report: (line: string) => void, what: string, start: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  const started = await start();
  report(`${what} ready (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
  return started;
}

export const withoutPassword = (url: string): string => url.replace(/:[^:@/]+@/, '@');

const rejection = (broken: Promise<string>): Promise<never> =>
  broken.then((reason) => {
    throw new Error(reason);
  });

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));

import { createServer, type Server } from 'node:net';

export const serviceNames = ['registry', 'governance', 'deployment', 'monitoring', 'ledger', 'runtime', 'console'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** The ports of one suite, all on 127.0.0.1. `console` is the front door, `identity` the OpenID provider. */
export type Ports = Readonly<Record<ServiceName | 'postgres' | 'nats' | 'identity', number>>;

export const defaultPortBase = 7400;

export function portsFrom(base: number): Ports {
  return {
    console: base,
    registry: base + 1,
    governance: base + 2,
    deployment: base + 3,
    monitoring: base + 4,
    ledger: base + 5,
    runtime: base + 6,
    identity: base + 10,
    nats: base + 22,
    postgres: base + 32,
  };
}

/** VITAE_PORT_BASE, or 7400. Throws on what is no base of ports. */
export function portBaseFrom(env: NodeJS.ProcessEnv): number {
  const text = env['VITAE_PORT_BASE'];
  if (text === undefined || text === '') return defaultPortBase;
  const base = Number(text);
  if (!Number.isInteger(base) || base < 1024 || base > 65_000) {
    throw new Error(`VITAE_PORT_BASE is "${text}"; set it to a whole number between 1024 and 65000, for example 7500.`);
  }
  return base;
}

function listenOn(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

const close = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

export async function isFree(port: number): Promise<boolean> {
  const server = await listenOn(port);
  if (server) await close(server);
  return server !== undefined;
}

/** @throws when something listens on the port already; the message says what to do. */
export async function mustBeFree(what: string, port: number): Promise<void> {
  if (await isFree(port)) return;
  throw new Error(
    `Port ${port} on 127.0.0.1, which ${what} needs, is in use. Stop what listens there (\`ss -ltnp 'sport = :${port}'\` names it), ` +
      'or move the whole suite: VITAE_PORT_BASE=7500 npm start.',
  );
}

/** A port that nothing listens on. From 20000 to 32000, below the range that Linux gives to outgoing connections. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
  throw new Error('No free port between 20000 and 32000 on 127.0.0.1.');
}

export interface PortClaim {
  readonly base: number;
  release(): Promise<void>;
}

/**
 * A base whose ports are all free, for a suite in a test. The claim listens on base + 49 until it is
 * released, so that two test processes never choose the same base.
 */
export async function claimPorts(): Promise<PortClaim> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const base = 20_000 + 50 * Math.floor(Math.random() * 240);
    const guard = await listenOn(base + 49);
    if (!guard) continue;
    const free = await Promise.all(Object.values(portsFrom(base)).map(isFree));
    if (free.every(Boolean)) return { base, release: () => close(guard) };
    await close(guard);
  }
  throw new Error('No block of free ports between 20000 and 32000 on 127.0.0.1.');
}

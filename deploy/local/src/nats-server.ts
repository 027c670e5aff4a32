import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ended, spawnTied, stopChild } from './child.ts';
import { findNatsServer } from './find-nats-server.ts';
import { lastLines, startLog, withLog } from './log-file.ts';
import { freePort, mustBeFree } from './ports.ts';

export interface NatsOptions {
  /** JetStream's files. May be deleted while the server is down: the ledger fills the stream again. */
  readonly storeDir: string;
  /** Default: any free port. */
  readonly port?: number;
  /** Default: what `findNatsServer` finds. */
  readonly binary?: string;
  /** Who may come in, and what each may do (`accountsConfig`). Default: anybody, everything. */
  readonly configFile?: string;
  /** Default `<storeDir>.log`. */
  readonly logFile?: string;
}

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly storeDir: string;
  /** Resolves when the server has ended, for whatever reason. */
  readonly ended: Promise<string>;
  /**
   * Lets it read its configuration again: who was taken out of it is thrown out. Resolves when it has; whoever connects
   * before may be cut off in the middle.
   * @throws when it does not take the configuration; the old one stays.
   */
  reload(): Promise<void>;
  /** SIGTERM lets it close its files; SIGKILL is for tests of what it loses then. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/**
 * Starts a NATS server with JetStream on 127.0.0.1, as a child that ends with us.
 * @throws when it does not come up; the message ends with its last log lines.
 */
export async function startNats(options: NatsOptions): Promise<NatsServer> {
  const storeDir = resolve(options.storeDir);
  const logFile = options.logFile ?? `${storeDir}.log`;
  const binary = options.binary ?? (await findNatsServer());
  const port = options.port ?? (await freePort());
  await mustBeFree('NATS', port);
  await mkdir(storeDir, { recursive: true });
  const args = ['--addr', '127.0.0.1', '--port', String(port), '--jetstream', '--store_dir', storeDir, ...(await named(`vitae-${port}`, options.configFile))];
  const child = withLog(startLog(logFile), (log) => spawnTied(binary, args, { deathSignal: 'TERM', log, env: { ...process.env, GOMAXPROCS: cores() } }));
  const end = ended(child);
  const refused = end.then((how) => {
    throw new Error(`nats-server did not start on port ${port} (${how}). Its log, ${logFile}, ends:\n${lastLines(logFile)}`);
  });
  refused.catch(() => undefined); // also rejects at the ordinary end, long after the race
  const gone = new AbortController();
  void end.then(() => gone.abort());
  await Promise.race([untilItServesJetStream(port, gone.signal), refused]);
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    pid: child.pid!, // it answered, so it was spawned
    storeDir,
    ended: end,
    reload: () => reloaded(() => child.kill('SIGHUP'), logFile),
    stop: (signal = 'SIGTERM') => stopChild(child, signal, 15_000),
  };
}

/**
 * Half of the machine, for the others need it, too: given all cores, NATS looks for work on those that have none, and takes a
 * quarter more of CPU for a message. Measured on two cores.
 */
const cores = (): string => process.env['GOMAXPROCS'] ?? String(Math.max(1, Math.floor(availableParallelism() / 2)));

/** Longest that a server is waited for, in ms. */
const RELOAD_MS = 10_000;

/** It says only in its log that it has. */
async function reloaded(ask: () => void, logFile: string): Promise<void> {
  const { size } = await stat(logFile);
  ask();
  for (const end = Date.now() + RELOAD_MS; Date.now() < end; await sleep(20)) {
    const said = (await readFile(logFile)).subarray(size).toString();
    if (said.includes('Reloaded server configuration')) return;
    const [, why] = /Failed to reload server configuration: (.*)/.exec(said) ?? [];
    if (why !== undefined) throw new Error(`nats-server does not take its new configuration: ${why}`);
  }
  throw new Error(`nats-server has not read its configuration again within ${RELOAD_MS / 1000} s; see ${logFile}`);
}

/** A server's name. With a configuration it stands there, in a file around it: a flag would be forgotten when the server reads it again, and it would refuse to. */
async function named(name: string, configFile: string | undefined): Promise<string[]> {
  if (configFile === undefined) return ['--server_name', name];
  const around = join(dirname(configFile), `${name}.conf`);
  await writeFile(around, `server_name: ${JSON.stringify(name)}\ninclude ${JSON.stringify(`./${basename(configFile)}`)}\n`, { mode: 0o600 });
  return ['--config', around];
}

/** The store of a suite: one place that says where it is, since tests delete it. */
export const natsStoreIn = (dataDir: string): string => join(dataDir, 'nats');

async function untilItServesJetStream(port: number, gone: AbortSignal): Promise<void> {
  while (!gone.aborted && !(await greeting(port)).includes('"jetstream":true')) await sleep(20);
  if (gone.aborted) await new Promise(() => undefined); // its end is told by the other side of the race
}

/** The INFO line that a NATS server sends to whoever connects. Empty when none does. */
function greeting(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString();
      if (text.includes('\r\n')) socket.end();
    });
    socket.once('error', () => resolve(''));
    socket.once('close', () => resolve(text));
  });
}

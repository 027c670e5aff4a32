import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, chownSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { ended, isRoot, nobody } from './child.ts';
import { freePort } from './ports.ts';
import { startPostgres, type PostgresServer } from './postgres-server.ts';
import { isAlive } from './process-table.ts';
import { repositoryRoot } from './repository.ts';

let directory: string;
let server: PostgresServer | undefined;
let launcher: ChildProcess | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vitae-postgres-'));
});
afterEach(async () => {
  launcher?.kill('SIGKILL');
  if (launcher) await ended(launcher);
  await server?.stop('immediate');
  launcher = server = undefined;
  rmSync(directory, { recursive: true, force: true });
});

const start = async (port?: number): Promise<PostgresServer> => (server = await startPostgres({ dataDir: join(directory, 'postgres'), port, durable: false }));

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined); // the server may be ended under it
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

/** Another process that starts PostgreSQL in our directory and then waits. Resolves with its first line: url and pid. */
async function launch(user?: { uid: number; gid: number }): Promise<{ url: string; pid: number }> {
  const program = `
    import { startPostgres } from ${JSON.stringify(join(repositoryRoot, 'deploy/local/src/index.ts'))};
    const { url, pid } = await startPostgres({ dataDir: ${JSON.stringify(join(directory, 'postgres'))}, durable: false });
    console.log(JSON.stringify({ url, pid }));
    setInterval(() => {}, 1e6);`;
  const child = (launcher = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: repositoryRoot, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, HOME: directory }, ...user,
  }));
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', (line: Buffer) => resolve(JSON.parse(line.toString()) as { url: string; pid: number }));
    child.once('exit', () => reject(new Error('the launcher ended')));
  });
}

describe('startPostgres', () => {
  it('makes the cluster and the database, and finds them again', async () => {
    const first = await start();
    expect(await ask(first.url, 'select current_database(), current_setting($$server_version_num$$)::int / 10000')).toEqual(['vitae', 18]);
    await ask(first.url, 'create table kept as select 42 as answer');
    await first.stop();
    const second = await start();
    expect(await ask(second.url, 'select answer from kept')).toEqual([42]);
  });

  it('is durable unless told otherwise', async () => {
    server = await startPostgres({ dataDir: join(directory, 'postgres') });
    expect(await ask(server.url, 'select name || $$=$$ || setting from pg_settings where name in ($$fsync$$, $$full_page_writes$$, $$synchronous_commit$$) order by 1')).toEqual([
      'fsync=on', 'full_page_writes=on', 'synchronous_commit=on',
    ]);
  });

  it('lets nobody in without the password', async () => {
    const { port } = await start();
    await expect(ask(`postgresql://postgres:guess@127.0.0.1:${port}/vitae`, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('says which port is in use, and what to do', async () => {
    const { port } = await start();
    await expect(startPostgres({ dataDir: join(directory, 'second'), port })).rejects.toThrow(new RegExp(`Port ${port} .*in use.*VITAE_PORT_BASE`));
  });

  it('says what its log says when it does not come up', async () => {
    await expect(startPostgres({ dataDir: join(directory, 'postgres'), durable: false, settings: { shared_buffers: 'much' } })).rejects.toThrow(
      /PostgreSQL did not start.*\(status 1\)[^]*invalid value for parameter "shared_buffers"/,
    );
  });

  it('does not outlive a launcher that is killed, and the next start goes on with its data', async () => {
    const { url, pid } = await launch();
    await ask(url, 'create table kept as select 42 as answer');
    launcher!.kill('SIGKILL');
    const next = await start(await freePort()); // at once: it waits for the old one itself
    await untilGone(pid);
    expect(await ask(next.url, 'select answer from kept')).toEqual([42]);
  });

  it('works for an ordinary user as for root', async () => {
    if (isRoot() && !readableByNobody()) return; // a clone below /root: only root can run it
    if (isRoot()) chownSync(directory, nobody.uid, nobody.gid);
    const { url, pid } = await launch(isRoot() ? nobody : undefined);
    expect(await ask(url, 'select 1')).toEqual([1]);
    launcher!.kill('SIGKILL');
    const next = await start(); // as the user of this run, on data of the other
    await untilGone(pid);
    expect(await ask(next.url, 'select 1')).toEqual([1]);
  });
});

async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
}

function readableByNobody(): boolean {
  const euid = process.geteuid!();
  process.seteuid!(nobody.uid);
  try {
    accessSync(process.execPath, constants.X_OK);
    accessSync(join(repositoryRoot, 'deploy/local/src/index.ts'), constants.R_OK);
    return true;
  } catch {
    return false;
  } finally {
    process.seteuid!(euid);
  }
}

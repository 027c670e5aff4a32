import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.ts';
import { isAlive } from './process-table.ts';
import { supervise, type Program, type Supervised } from './supervisor.ts';

/** A service as small as can be: ready at once; on SIGTERM it writes down that it was asked, then ends. */
const tinyService = `
  import { createServer } from 'node:http';
  import { appendFileSync } from 'node:fs';
  const server = createServer((_, response) => response.end('ready')).listen(Number(process.env.PORT), '127.0.0.1');
  process.on('SIGTERM', () => { appendFileSync(process.env.DIARY, 'asked to stop\\n'); server.close(() => process.exit(0)); server.closeAllConnections(); });
`;

let directory: string;
let program: Program;
let running: Supervised | undefined;
let lines: string[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vitae-supervisor-'));
  const port = await freePort();
  writeFileSync(join(directory, 'tiny.mjs'), tinyService);
  program = {
    name: 'tiny',
    command: process.execPath,
    args: [join(directory, 'tiny.mjs')],
    env: { PORT: String(port), DIARY: join(directory, 'diary') },
    cwd: directory,
    logFile: join(directory, 'logs/tiny.log'),
    readyUrls: [`http://127.0.0.1:${port}/readyz`],
  };
  lines = [];
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
  rmSync(directory, { recursive: true, force: true });
});

const start = (changes: Partial<Program> = {}): Supervised => (running = supervise({ ...program, ...changes }, (line) => lines.push(line)));

describe('supervise', () => {
  it('starts a killed program again, and again', async () => {
    const service = start();
    await service.ready();
    for (const restarts of [1, 2]) {
      const before = service.pid!;
      expect(service.kill('SIGKILL')).toBe(true);
      await untilGone(before);
      await untilRestarted(service, restarts);
      await service.ready();
      expect(service.pid).not.toBe(before);
    }
    expect(lines).toEqual(['tiny ended (SIGKILL); starting it again', 'tiny ended (SIGKILL); starting it again']);
    expect(existsSync(`${program.logFile}.2`)).toBe(true); // each life has a log of its own
  });

  it('stops a program by asking it, and does not start it again', async () => {
    const service = start();
    await service.ready();
    const pid = service.pid!;
    await service.stop();
    expect(isAlive(pid)).toBe(false);
    expect(service.pid).toBeUndefined();
    expect(service.restarts).toBe(0);
    expect(readFileSync(join(directory, 'diary'), 'utf8')).toBe('asked to stop\n');
    await expect(service.ready()).resolves.toBeUndefined(); // it had been ready
  });

  it('gives up a program that never becomes ready, and shows the end of its log', async () => {
    const service = start({ args: ['-e', 'console.error("PORT is missing; set it"); process.exit(3)'] });
    await expect(service.ready()).rejects.toThrow(/tiny does not start \(status 3, 5 times\)[^]*PORT is missing; set it/);
    expect(service.restarts).toBe(4);
  });

  it('gives up a program that cannot be run at all', async () => {
    await expect(start({ command: join(directory, 'absent'), args: [] }).ready()).rejects.toThrow('tiny does not start');
  });

  it('can be stopped before the program is ready', async () => {
    const service = start({ readyUrls: ['http://127.0.0.1:1/readyz'] });
    const ready = expect(service.ready()).rejects.toThrow('tiny was stopped');
    await service.stop();
    await ready;
  });
});

async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function untilRestarted(service: Supervised, times: number): Promise<void> {
  while (service.restarts < times || !service.pid) await new Promise((resolve) => setTimeout(resolve, 10));
}

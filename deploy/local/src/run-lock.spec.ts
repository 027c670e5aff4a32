import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ended } from './child.ts';
import { lockRun } from './run-lock.ts';

const frontDoor = 'http://127.0.0.1:7400';
let directory: string;
let holder: ChildProcess | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vitae-lock-'));
});
afterEach(async () => {
  holder?.kill('SIGKILL');
  if (holder) await ended(holder);
  holder = undefined;
  rmSync(directory, { recursive: true, force: true });
});

/** A process that looks like a start, and a lock in its name. */
async function heldByAnother(): Promise<ChildProcess> {
  const program = join(directory, 'start.js');
  writeFileSync(program, 'console.log("up"); setInterval(() => {}, 1e6);');
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  writeFileSync(join(directory, 'start.lock'), JSON.stringify({ pid: child.pid, frontDoor, startedAt: '2026-11-20T12:00:00.000Z' }));
  return child;
}

describe('lockRun', () => {
  it('is taken, given back and taken again, and leaves no file behind', async () => {
    const first = await lockRun(directory, frontDoor);
    expect(first.tookOver).toBe(false);
    first.release();
    (await lockRun(directory, frontDoor)).release();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('is refused while another start holds it, with its pid and address', async () => {
    holder = await heldByAnother();
    await expect(lockRun(directory, frontDoor)).rejects.toThrow(new RegExp(`process ${holder.pid}, since 2026.*at ${frontDoor}`));
  });

  it('is taken over when its holder was killed', async () => {
    holder = await heldByAnother();
    holder.kill('SIGKILL');
    await ended(holder);
    const lock = await lockRun(directory, frontDoor);
    expect(lock.tookOver).toBe(true);
    lock.release();
  });

  it('is taken over when its pid belongs to a stranger now, or it cannot be read', async () => {
    writeFileSync(join(directory, 'start.lock'), JSON.stringify({ pid: 1, frontDoor, startedAt: '' }));
    (await lockRun(directory, frontDoor)).release();
    writeFileSync(join(directory, 'start.lock'), '');
    (await lockRun(directory, frontDoor)).release();
    expect(readdirSync(directory)).toEqual([]);
  });
});

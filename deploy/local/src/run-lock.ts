import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLineOf, isAlive } from './process-table.ts';

export interface RunLock {
  /** Whether a start before this one ended without giving its lock back: killed, or the machine stopped. */
  readonly tookOver: boolean;
  release(): void;
}

/**
 * Lets one `npm start` at a time use a data directory. The lock is a file with the pid of its holder; one whose
 * holder is gone is taken over.
 * @throws when another start holds it; the message says which process and what to do.
 */
export async function lockRun(dataDir: string, frontDoor: string): Promise<RunLock> {
  mkdirSync(dataDir, { recursive: true });
  const file = join(dataDir, 'start.lock');
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, JSON.stringify({ pid: process.pid, frontDoor, startedAt: new Date().toISOString() }));
  let tookOver = false;
  try {
    for (;;) {
      try {
        linkSync(mine, file); // appears at once and whole, or fails when there is one
        return { tookOver, release: () => rmSync(file, { force: true }) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = read(file);
      if (holder && (await isStart(holder.pid))) {
        throw new Error(
          `Vitae runs already in this clone: process ${holder.pid}, since ${holder.startedAt}, at ${holder.frontDoor}. ` +
            `Stop it with Ctrl-C in its terminal or \`kill ${holder.pid}\`. To run a second one, use a second clone with VITAE_PORT_BASE=7500.`,
        );
      }
      tookOver = true;
      try {
        renameSync(file, `${mine}.stale`);
        rmSync(`${mine}.stale`);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // another one took it over first
      }
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

interface Holder {
  readonly pid: number;
  readonly frontDoor: string;
  readonly startedAt: string;
}

function read(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder;
  } catch {
    return undefined; // gone meanwhile, or not ours to understand: taken as stale
  }
}

/** A pid is used again some day, so the process must also look like a start. */
const isStart = async (pid: number): Promise<boolean> => pid !== process.pid && isAlive(pid) && (await commandLineOf(pid)).includes('start.js');

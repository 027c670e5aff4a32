import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Program {
  readonly name: string;
  /** Of Node. */
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Takes all that it prints. */
  readonly logFile: string;
}

/** A process that is started again whenever it ends, until it is stopped. */
export interface Kept {
  readonly name: string;
  readonly logFile: string;
  /** Of the process that runs now; undefined between two. */
  readonly pid: number | undefined;
  /** How often it was started again. */
  readonly restarts: number;
  /** SIGKILL. Resolves when it has ended. */
  kill(): Promise<void>;
  /** SIGTERM, and SIGKILL when that does not help. Resolves when it has ended; it is not started again. */
  stop(): Promise<void>;
}

const GRACE_MS = 20_000;

/**
 * The child has a channel to us, and MUST end when that closes: so it never outlives us, even if we are killed.
 * A program that cannot start (PostgreSQL is away just now) is tried again and again.
 */
export function keepRunning({ name, args, env, logFile }: Program): Kept {
  let child: ChildProcess | undefined;
  let restarts = -1;
  let stopping = false;
  const life = (async () => {
    while (!stopping) {
      restarts += 1;
      const log = openSync(logFile, 'a');
      child = spawn(process.execPath, [...args], { stdio: ['ignore', log, log, 'ipc'], env: { ...process.env, ...env } });
      closeSync(log);
      await ended(child);
      if (!stopping) await sleep(100);
    }
  })();
  const send = async (signal: NodeJS.Signals): Promise<void> => {
    const current = child;
    if (!current || hasEnded(current)) return;
    const gone = ended(current);
    current.kill(signal);
    const late = setTimeout(() => current.kill('SIGKILL'), GRACE_MS);
    await gone;
    clearTimeout(late);
  };
  return {
    name,
    logFile,
    get pid() {
      return child && !hasEnded(child) ? child.pid : undefined;
    },
    get restarts() {
      return Math.max(0, restarts);
    },
    kill: () => send('SIGKILL'),
    stop: async () => {
      stopping = true;
      await send('SIGTERM');
      await life;
    },
  };
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;

async function ended(child: ChildProcess): Promise<void> {
  if (!hasEnded(child)) await once(child, 'exit').catch(() => undefined);
}

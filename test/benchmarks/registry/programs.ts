import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '@vitae/local';

/** A server in a process of its own, so that its memory and its CPU can be told. */
export interface Program {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export const REGISTRY = fileURLToPath(new URL('../../../../services/registry/dist/main.js', import.meta.url));
const BARE = fileURLToPath(new URL('bare-server.js', import.meta.url));

/** @param settings the registry's environment but its port. */
export async function startRegistry(settings: NodeJS.ProcessEnv): Promise<Program> {
  const port = await freePort();
  const program = launch(REGISTRY, [], { ...process.env, ...settings, PORT: String(port), VITAE_MODE: 'local', LOG_LEVEL: 'error', OTEL_SDK_DISABLED: 'true' });
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/readyz`).then(({ ok }) => ok, () => false))) {
    if (program.child.exitCode !== null) throw new Error('the registry did not start');
    await sleep(50);
  }
  return { url, pid: program.pid, stop: program.stop };
}

export async function startBareServer(file: string): Promise<Program> {
  const { stdout, pid, stop } = launch(BARE, [file], process.env);
  const [port] = (await once(createInterface(stdout), 'line')) as [string];
  return { url: `http://127.0.0.1:${port}`, pid, stop };
}

function launch(file: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  // With a channel to us: whose parent is gone ends, however that came.
  const child = spawn(process.execPath, [file, ...args], { env, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const gone = once(child, 'exit');
  const stdout = child.stdout as Readable; // a pipe, which the types lose sight of beside the channel
  stdout.resume();
  return {
    child,
    stdout,
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGTERM');
      await gone;
    },
  };
}

/** The most memory that a process ever held, in megabytes. NaN where there is no /proc. */
export function peakMemory(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  } catch {
    return NaN;
  }
}

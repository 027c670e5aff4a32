import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** util-linux; absent on macOS and on a few small images. */
const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));

/** The uid and gid of `nobody`. It has an entry in passwd nearly everywhere, which initdb asks for. */
export const nobody = { uid: 65534, gid: 65534 } as const;

export const isRoot = (): boolean => process.getuid?.() === 0;

export interface Tie {
  /** What the kernel sends to the child when this process dies, even by SIGKILL. */
  readonly deathSignal: 'INT' | 'TERM' | 'KILL';
  /** When this process is root: run the child as this user (it MUST NOT be 0). Ignored otherwise. */
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** An open file that takes what the child prints. Default: a pipe, which the caller MUST read. */
  readonly log?: number;
}

/**
 * Starts a program that must not outlive us. `setpriv --pdeathsig` lets the kernel see to it, so it holds
 * for SIGKILL too. Where there is no setpriv the child outlives a killed launcher, and the next start finds it.
 *
 * The child leads a session of its own: a Ctrl-C in the terminal reaches this process alone, which can
 * then stop its children in the right order.
 *
 * A child that gives up root keeps CAP_DAC_OVERRIDE, so that it still reaches binaries and data in a clone
 * below a directory like /root. That makes it as mighty as root on the file system: guard its door.
 */
export function spawnTied(command: string, args: readonly string[], tie: Tie): ChildProcess {
  const user = isRoot() ? tie.user : undefined;
  const output = tie.log ?? 'pipe';
  const options = { stdio: ['ignore', output, output], env: tie.env ?? process.env, cwd: tie.cwd ?? '/', detached: true } as const;
  if (!setpriv) return spawn(command, args, { ...options, stdio: [...options.stdio], ...user });
  const drop = user
    ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--inh-caps=+dac_override', '--ambient-caps=+dac_override']
    : [];
  return spawn(setpriv, ['--pdeathsig', tie.deathSignal, ...drop, command, ...args], { ...options, stdio: [...options.stdio] });
}

/** Resolves when the child has ended, with a word on how: `status 1`, `SIGKILL`, `spawn … ENOENT`. Never rejects. */
export function ended(child: ChildProcess): Promise<string> {
  const how = (status: number | null, signal: NodeJS.Signals | null): string => signal ?? `status ${status}`;
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(how(child.exitCode, child.signalCode));
  return new Promise((resolve) => {
    child.once('exit', (status, signal) => resolve(how(status, signal)));
    child.once('error', (error) => resolve(error.message));
  });
}

/** Asks the child to end; kills it when it has not after `graceMs`. Resolves when it has ended. */
export async function stopChild(child: ChildProcess, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  const end = ended(child);
  child.kill(signal);
  const patience = new AbortController();
  const tooLate = sleep(graceMs, undefined, { signal: patience.signal, ref: false }).then(
    () => child.kill('SIGKILL'),
    () => undefined, // it ended in time
  );
  await end;
  patience.abort();
  await tooLate;
}

import type { ChildProcess } from 'node:child_process';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { ended, spawnTied, stopChild } from './child.ts';
import { lastLines, startLog, withLog } from './log-file.ts';

/** A program to keep running. */
export interface Program {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly logFile: string;
  /** The program is ready when all of these answer 2xx. */
  readonly readyUrls: readonly string[];
}

export interface Supervised {
  readonly name: string;
  /** Of the process that runs now; undefined between two. */
  readonly pid: number | undefined;
  /** How often it had to be started again. */
  readonly restarts: number;
  /** Resolves when the process that runs now (or the next, between two) is ready. Rejects when it was given up or stopped. */
  ready(): Promise<void>;
  /** Sends a signal to the process that runs now. False when there is none. */
  kill(signal: NodeJS.Signals): boolean;
  /** SIGTERM, and SIGKILL after 15 s. Resolves when it has ended; it is not started again. */
  stop(): Promise<void>;
}

const graceMs = 15_000;
const firstPauseMs = 100;
const longestPauseMs = 5_000;
/** A program that has never been ready is given up after so many ends in a row: its configuration is wrong, not its luck. */
const attempts = 5;

/*
 *   starting --ready urls answer--> ready --ends--> pausing --time--> starting
 *   starting --ends--> pausing, or given up: the fifth time in a row, when it never was ready
 *   any --stop()--> stopped
 */
/** Starts the program, and starts it again whenever it ends, until `stop()`. `report` hears of ends and restarts. */
export function supervise(program: Program, report: (line: string) => void): Supervised {
  const stopping = new AbortController();
  let child: ChildProcess | undefined;
  let restarts = 0;
  let everReady = false;
  let readiness = pending();

  const life = (async () => {
    let failures = 0;
    for (;;) {
      child = withLog(startLog(program.logFile), (log) => spawnTied(program.command, program.args, { deathSignal: 'KILL', env: program.env, cwd: program.cwd, log }));
      const end = ended(child);
      const gone = new AbortController();
      void end.then(() => gone.abort());
      if (await allAnswer(program.readyUrls, gone.signal)) {
        failures = 0;
        everReady = true;
        readiness.resolve();
      }
      const how = await end;
      child = undefined;
      if (stopping.signal.aborted) return;

      failures += 1;
      if (!everReady && failures >= attempts) {
        readiness.reject(new Error(`${program.name} does not start (${how}, ${failures} times). Its log, ${program.logFile}, ends:\n${lastLines(program.logFile)}`));
        return;
      }
      readiness = readiness.settled ? pending() : readiness;
      const pause = Math.min(firstPauseMs * 2 ** (failures - 1), longestPauseMs);
      report(`${program.name} ended (${how}); starting it again`);
      await sleep(pause, undefined, { signal: stopping.signal }).catch(() => undefined); // stop() cuts the pause short
      if (stopping.signal.aborted) return;
      restarts += 1;
    }
  })();

  return {
    name: program.name,
    get pid() {
      return child?.pid;
    },
    get restarts() {
      return restarts;
    },
    ready: () => readiness.promise,
    kill: (signal) => child?.kill(signal) ?? false,
    stop: async () => {
      stopping.abort();
      readiness.reject(new Error(`${program.name} was stopped.`));
      if (child) await stopChild(child, 'SIGTERM', graceMs);
      await life;
    },
  };
}

/** A promise with its handles, that may be rejected with nobody listening. */
function pending() {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => undefined);
  const state = { promise, settled: false, resolve: () => settle(resolve), reject: (error: Error) => settle(() => reject(error)) };
  const settle = (how: () => void): void => {
    state.settled = true;
    how();
  };
  return state;
}

/** True when every URL has answered 2xx; false when the program was gone before. */
async function allAnswer(urls: readonly string[], gone: AbortSignal): Promise<boolean> {
  for (const url of urls) {
    while (!(await answers(url, gone))) {
      if (gone.aborted) return false;
      await sleep(100);
    }
  }
  return !gone.aborted;
}

/** By `http.get` and not by `fetch`: asked again and again for seven services that start, fetch alone kept a core busy. */
function answers(url: string, gone: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 5_000, signal: gone }, (response) => {
      response.resume();
      const { statusCode = 0 } = response;
      resolve(statusCode >= 200 && statusCode < 300);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false)); // nothing listens yet
  });
}

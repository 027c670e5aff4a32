import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { prepareBroker } from './prepare-broker.ts';

export interface SubscribersKept {
  readonly directory: string;
  readonly file: string;
  readonly server: { readonly url: string; reload(): Promise<void> };
  readonly report: (line: string) => void;
}

/** How often the list is looked at, and how often whether durables are still there, in ms: JetStream may have been emptied. */
const LOOK_MS = 1_000;
const CHECK_MS = 15_000;
/** So many looks may fail before it is told. */
const PATIENCE = 30;

/**
 * While NATS runs: keeps its logins and durables as the list of subscribers says. A list that is wrong is told once, and what
 * was before stays.
 */
export function keepSubscribers({ directory, file, server, report }: SubscribersKept): { stop(): Promise<void> } {
  const stopped = new AbortController();
  let seen: string | undefined;
  /** The server has a configuration to read. */
  let stale = false;
  let told = '';
  let due = 0;
  let failures = 0;

  const tell = (message: string): void => {
    if (message !== told) report(message);
    told = message;
  };
  const look = async (): Promise<void> => {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text === seen && Date.now() < due) return;
    const configured = await configIn(directory);
    const broker = await prepareBroker(directory, file).catch((error: unknown) => tell((error as Error).message));
    if (!broker) return;
    stale ||= (await configIn(directory)) !== configured;
    if (stale) await server.reload();
    stale = false;
    seen = text;
    due = 0;
    if (broker.subscribers.length + broker.gone.length > 0) await broker.keepDurables(server.url);
    if (broker.gone.length > 0) {
      await prepareBroker(directory, file); // without a right on what is gone
      await server.reload();
    }
    due = Date.now() + CHECK_MS;
    told = '';
    failures = 0;
  };
  const run = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      await look().catch((error: unknown) => {
        failures += 1; // the first ones are usual: no stream yet, or the server is still reading its configuration
        if (failures === PATIENCE) tell(`NATS does not take the subscribers in ${file} yet: ${(error as Error).message}`);
      });
      await sleep(LOOK_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    stop: () => {
      stopped.abort();
      return running;
    },
  };
}

const configIn = (directory: string): Promise<string> => readFile(join(directory, 'nats-server.conf'), 'utf8').catch(() => '');

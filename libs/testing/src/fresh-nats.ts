import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNats } from '@vitae/local';

export interface FreshNats {
  /** Stays the same over restarts. */
  readonly url: string;
  readonly storeDir: string;
  /** Ends the server; `restart` brings it back. SIGKILL leaves its files as they are. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Starts it again on the same port, with `emptied` on an empty store. Stops it first when it runs. */
  restart(options?: { readonly emptied?: boolean }): Promise<void>;
  /** Ends the server and deletes its store. For `afterAll`. */
  drop(): Promise<void>;
}

/** A NATS server with JetStream of the spec's own, on a port of its own. */
export async function freshNats(): Promise<FreshNats> {
  const directory = await mkdtemp(join(tmpdir(), 'vitae-nats-'));
  const storeDir = join(directory, 'store');
  let server = await startNats({ storeDir });
  const { url, port } = server;
  const stop = (signal?: 'SIGTERM' | 'SIGKILL'): Promise<void> => server.stop(signal);
  return {
    url,
    storeDir,
    stop,
    restart: async ({ emptied = false } = {}) => {
      await stop();
      if (emptied) await rm(storeDir, { recursive: true, force: true });
      server = await startNats({ storeDir, port });
    },
    drop: async () => {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

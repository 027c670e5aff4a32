import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseVerifierKey, type VerifierKey } from '@vitae/transparency';
import { fetchKeys } from './log-over-http.ts';
import { startServers } from './servers.ts';
import { smallLedger } from './small-ledger.ts';
import { until } from './wait.ts';

/** An export of the log as a real ledger service wrote it; nobody writes to it any more. */
export interface SmallExport {
  readonly directory: string;
  /** Verifier keys, one a line. */
  readonly keys: string;
  readonly trusted: readonly VerifierKey[];
}

export async function smallExport(directory: string, events: number): Promise<SmallExport> {
  await mkdir(directory, { recursive: true });
  const exported = join(directory, 'export');
  const servers = await startServers({ directory, durable: false });
  try {
    const ledger = await smallLedger(servers, directory, { keys: join(directory, 'keys'), exportDir: exported });
    try {
      const note = await ledger.grow(events);
      await until('the export has the newest checkpoint', async () => (await readFile(join(exported, 'checkpoint'), 'utf8')) === note);
      const keys = await fetchKeys(servers.reader, ledger.port);
      return { directory: exported, keys, trusted: keys.trim().split('\n').map(parseVerifierKey) };
    } finally {
      await ledger.stop();
    }
  } finally {
    await servers.stop();
  }
}

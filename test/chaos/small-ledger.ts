import { join } from 'node:path';
import { freePort } from '@vitae/local';
import { groupCommit } from '@vitae/event-store';
import { Pool } from 'pg';
import { keepRunning, type Kept } from './kept-process.ts';
import { fetchCheckpoint } from './log-over-http.ts';
import { published, reached } from './observe.ts';
import { ledgerService } from './programs.ts';
import type { Servers } from './servers.ts';
import { until } from './wait.ts';
import { newEvents, newStream, request } from './writing.ts';

/** One ledger service on servers of its own, with a way to append to it. */
export interface SmallLedger {
  readonly port: number;
  readonly pool: Pool;
  /** Appends so many events, in streams of ten, and waits until all are signed and published. Answers the checkpoint. */
  grow(events: number): Promise<string>;
  /** The checkpoint over so many events. */
  signed(size: number): Promise<string>;
  stop(): Promise<void>;
}

export async function smallLedger(servers: Pick<Servers, 'databaseUrl' | 'natsUrl' | 'identity' | 'reader'>, directory: string, more: { readonly keys: string; readonly exportDir?: string }): Promise<SmallLedger> {
  const { databaseUrl, natsUrl, identity, reader } = servers;
  const port = await freePort();
  const pool = new Pool({ connectionString: databaseUrl, max: 4 });
  pool.on('error', () => undefined);
  const { keys: dataDir, ...exporting } = more;
  const service: Kept = keepRunning(ledgerService({ name: `ledger-${port}`, directory, dataDir, port, databaseUrl, natsUrl, identity, ...exporting }));
  const group = groupCommit(pool);
  const signed = (size: number): Promise<string> =>
    until(`${size} events are signed and published (see ${join(directory, `ledger-${port}.log`)})`, async () => {
      const note = await fetchCheckpoint(reader, [port]);
      return Number(note?.split('\n')[1]) === size && (await published(natsUrl)) === size && note;
    });
  return {
    port,
    pool,
    grow: async (events) => {
      const { sequenced, waiting } = await reached(pool);
      const streams = Array.from({ length: Math.ceil(events / 10) }, (_, i) => Math.min(10, events - 10 * i));
      await Promise.all(streams.map((length) => group.append(request('small', newStream(), 'noStream', newEvents(length)))));
      return signed(sequenced + waiting + events);
    },
    signed,
    stop: async () => {
      await group.close();
      await service.stop();
      await pool.end();
    },
  };
}

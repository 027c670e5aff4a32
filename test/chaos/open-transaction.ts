import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/** A transaction that has written and stays open: it holds back what counts as seen by all, in the whole cluster. */
export interface OpenTransaction {
  /** Whether this very transaction is open still; its number. */
  number(): Promise<string | undefined>;
  close(): Promise<void>;
}

/** Opened again when it was cut. Its connection is named `chaos`, so that the monkey spares it. */
export function holdOpen(url: string): OpenTransaction {
  let client: Client | undefined;
  let closing = false;
  const life = (async () => {
    while (!closing) {
      const own = new Client({ connectionString: url, application_name: 'chaos' });
      const broken = new Promise<void>((resolve) => own.once('end', resolve));
      own.on('error', () => undefined);
      try {
        await own.connect();
        await own.query('begin; create table if not exists held (n integer); insert into held values (1)');
        client = own;
        await broken;
      } catch {
        // PostgreSQL is down just now
      }
      client = undefined;
      if (!closing) await sleep(100);
    }
  })();
  return {
    number: async () => {
      const { rows } = (await client?.query<{ number: string | null }>('select pg_current_xact_id_if_assigned()::text as number')) ?? { rows: [] };
      return rows[0]?.number ?? undefined;
    },
    close: async () => {
      closing = true;
      await client?.end();
      await life;
    },
  };
}

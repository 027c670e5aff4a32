import type { Pool } from 'pg';
import type { Kept } from './kept-process.ts';
import type { Dice } from './random.ts';
import type { Servers } from './servers.ts';

/** Something bad that is done to a running ledger. It comes back by itself. */
export interface Deed {
  readonly name: string;
  run(): Promise<void>;
}

/** What the monkey plays with. */
export interface Playground {
  readonly servers: Servers;
  readonly writers: readonly Kept[];
  readonly services: readonly Kept[];
  readonly consumers: readonly Kept[];
  /** Its connections are named `chaos`. */
  readonly admin: Pool;
}

/** All that it can do. One of each kind is done before any is done twice. */
export function deeds({ servers, writers, services, consumers, admin }: Playground, chance: Dice): readonly Deed[] {
  const kill = (what: string, victims: (kept: readonly Kept[]) => readonly Kept[], among: readonly Kept[]): Deed => ({
    name: `kill -9 ${what}`,
    run: async () => void (await Promise.all(victims(among).map((kept) => kept.kill()))),
  });
  const one = (kept: readonly Kept[]): readonly Kept[] => [chance.of(kept)];
  const all = (kept: readonly Kept[]): readonly Kept[] => kept;
  return [
    kill('a writer', one, writers),
    kill('half of the writers', (kept) => chance.shuffled(kept).slice(0, Math.ceil(kept.length / 2)), writers),
    kill('a ledger service', one, services),
    kill('all ledger services', all, services),
    kill('a consumer', one, consumers),
    kill('all consumers', all, consumers),
    { name: 'terminate one backend', run: () => terminate(admin, 1) },
    { name: 'terminate backends', run: () => terminate(admin, chance.from(2, 30)) },
    { name: 'stop PostgreSQL at once and start it', run: () => servers.crashPostgres() },
    { name: 'kill -9 NATS and start it', run: () => servers.crashNats() },
    { name: 'kill -9 NATS and start it on an empty store', run: () => servers.crashNats({ emptied: true }) },
    {
      name: 'stop PostgreSQL at once and kill -9 NATS and a ledger service, and start them',
      run: async () => void (await Promise.all([servers.crashPostgres(), servers.crashNats(), chance.of(services).kill()])),
    },
  ];
}

/** Of whomever, except ourselves. */
async function terminate(admin: Pool, most: number): Promise<void> {
  await admin.query(
    `select pg_terminate_backend(pid) from (
       select pid from pg_stat_activity where backend_type = 'client backend' and application_name <> 'chaos' and pid <> pg_backend_pid() order by random() limit $1
     ) victims`,
    [most],
  );
}

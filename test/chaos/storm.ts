import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@vitae/local';
import { Pool } from 'pg';
import { fsck } from './fsck.ts';
import { checkHistory, type History } from './history.ts';
import { readJournal } from './journal.ts';
import { keepRunning, type Kept } from './kept-process.ts';
import { readOn } from './live-reader.ts';
import { fetchCheckpoint, fetchKeys, verifyOverHttp } from './log-over-http.ts';
import { deeds, type Deed } from './monkey.ts';
import { published, reached, readEffects, readEntries, readMessages, type Reached } from './observe.ts';
import { holdOpen } from './open-transaction.ts';
import { consumer, ledgerService, writer } from './programs.ts';
import { dice } from './random.ts';
import { startServers, type Servers } from './servers.ts';
import { until } from './wait.ts';

export interface StormOptions {
  /** Holds everything of the run: databases, journals, logs. */
  readonly directory: string;
  readonly seed: number;
  /** Processes. */
  readonly writers: number;
  /** Longest rest of a writer's lane between two appends, in milliseconds. */
  readonly restMs: number;
  readonly durable: boolean;
  /** When it is asked, with how many deeds are done: whether another one is to come. */
  readonly another: (done: number) => boolean;
  readonly say: (line: string) => void;
}

export interface StormReport {
  /** A sentence for each promise that was broken. */
  readonly broken: readonly string[];
  readonly deeds: number;
  readonly events: number;
  readonly acknowledged: number;
  readonly unknown: number;
}

const REPLICAS = 2;

/**
 * Twelve or so writers, two ledger services and two consumers of one effect, while a monkey kills them and their servers,
 * and while a transaction in another database stays open. Then calm; then everything that anybody was told is held
 * against what is there.
 */
export async function storm({ directory, seed, writers, restMs, durable, another, say }: StormOptions): Promise<StormReport> {
  const chance = dice(seed);
  await mkdir(directory, { recursive: true });
  const servers = await startServers({ directory, durable });
  const { databaseUrl, writerUrl, natsUrl, identity, reader: logReader } = servers;
  const admin = new Pool({ connectionString: databaseUrl, application_name: 'chaos', max: 4 });
  admin.on('error', () => undefined);
  const elsewhere = holdOpen(servers.elsewhereUrl);
  const ports = await Promise.all(Array.from({ length: REPLICAS }, freePort));
  const journalOf = (i: number): string => join(directory, `writer-${i}.journal`);
  const writing = (i: number) => ({ name: `writer-${i}`, databaseUrl: writerUrl, journal: journalOf(i), targets: `seed ${seed}`, seed: seed + i, restMs });

  const services = ports.map((port, i) => keepRunning(ledgerService({ name: `ledger-${i}`, directory, dataDir: join(directory, 'keys'), port, databaseUrl, natsUrl, identity })));
  const consumers = [0, 1].map((i) => keepRunning(consumer({ name: `consumer-${i}`, databaseUrl, natsUrl, seed: seed + i }, directory)));
  const hands = Array.from({ length: writers }, (_, i) => keepRunning(writer(writing(i), directory)));
  const reader = readOn(admin, chance);
  const everything: readonly Kept[] = [...hands, ...consumers, ...services];
  try {
    const grownBy = async (events: number): Promise<number> => {
      const { sequenced: from } = await until('PostgreSQL answers', () => reached(admin));
      return until(`${events} more events have an index and their effect`, async () => {
        const { sequenced, effects } = await reached(admin);
        return sequenced >= from + events && effects >= from + events && sequenced;
      });
    };
    say(`seed ${seed}: waiting for the first events`);
    await grownBy(50);
    const known = await until('a checkpoint is served', () => fetchCheckpoint(logReader, ports));

    let done = 0;
    for (const deed of endlessly(() => chance.shuffled(deeds({ servers, writers: hands, services, consumers, admin }, chance)))) {
      if (!another(done)) break;
      done += 1;
      say(`seed ${seed}, deed ${done}: ${deed.name}`);
      await deed.run();
      await grownBy(chance.from(20, 100)); // the transaction elsewhere is open all the time: nobody stalls for it
    }
    await until('the transaction in the other database is open, and events go on', async () => {
      const before = await elsewhere.number();
      await grownBy(20);
      return before !== undefined && (await elsewhere.number()) === before;
    });

    say(`seed ${seed}: ${done} deeds are done; waiting for calm`);
    await Promise.all(hands.map((hand) => hand.stop()));
    say(`seed ${seed}: the writers have stopped`);
    const end = await calm(admin, servers, ports);
    say(`seed ${seed}: ${end.sequenced} events everywhere; holding what was told against what is there`);
    await reader.stop();
    await Promise.all([...consumers, ...services.slice(1)].map((kept) => kept.stop()));

    const history = await historyOf(Array.from({ length: writers }, (_, i) => journalOf(i)), admin, natsUrl, reader.pages);
    const keys = await fetchKeys(logReader, ports[0] as number);
    const broken = [
      ...checkHistory(history).map(({ kind, what }) => `${kind}: ${what}`),
      ...(end.parked > 0 ? [`parked: ${end.parked} events were set aside by the consumers`] : []),
      ...(await verifyOverHttp(logReader, ports[0] as number, keys, known)).map((what) => `the log: ${what}`),
      ...(await fsck(databaseUrl, keys, known)).map((what) => `fsck: ${what}`),
    ];
    const answers = history.journals.flat().filter((line) => 'outcome' in line);
    const count = (outcome: string): number => answers.filter((answer) => answer.outcome === outcome).length;
    return { broken, deeds: done, events: history.ledger.length, acknowledged: count('stored'), unknown: count('unknown') };
  } finally {
    await reader.stop();
    await Promise.all(everything.map((kept) => kept.stop()));
    await elsewhere.close();
    await admin.end();
    await servers.stop();
  }
}

function* endlessly(round: () => readonly Deed[]): Generator<Deed> {
  for (;;) yield* round();
}

/** Everything that was committed has its index, its message, its effect, and is signed; and every replica says so. */
async function calm(admin: Pool, { natsUrl, reader }: Servers, ports: readonly number[]): Promise<Reached> {
  return until('ledger, JetStream, effects and log are equally far', async () => {
    const end = await reached(admin);
    if (end.waiting > 0 || end.effects < end.sequenced || end.signed < end.sequenced) return false;
    if ((await published(natsUrl)) !== end.sequenced) return false;
    for (const port of ports) if (Number((await fetchCheckpoint(reader, [port]))?.split('\n')[1]) !== end.sequenced) return false;
    return end;
  });
}

async function historyOf(journals: readonly string[], admin: Pool, natsUrl: string, pages: History['pages']): Promise<History> {
  return { journals: journals.map(readJournal), ledger: await readEntries(admin), messages: await readMessages(natsUrl), effects: await readEffects(admin), pages };
}


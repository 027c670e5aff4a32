import { groupCommit, pooledSql, readLedger, readRaw, replay as replayed, type RawEntry } from '@vitae/event-store';
import type { Pool, PoolClient } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { Bench } from './bench.ts';
import { preparedOf } from './ours.ts';
import { alternate, repeated, type Contender, type Figures } from './rounds.ts';
import { samples } from './sample-event.ts';
import { openPool } from './testbed.ts';

const EVENTS = 200_000;
const PAGE = 1_000;

/**
 * How fast one reader gets through the whole ledger, in order: as messages of the contract, as plain JSON, and as it is
 * stored. `replay` decodes what is looked at, so looking at every field and at the payload alone are two figures.
 */
export async function replay({ testbed, rounds, report }: Bench): Promise<void> {
  const pool = await openPool(await testbed.ledger(), 4);
  const client = await pool.connect();
  try {
    await fill(pool, EVENTS);
    const sql = pooledSql(pool);
    const figures = (await alternate(
      [
        paging('messages (readLedger)', (from) => readLedger(sql, { from, limit: PAGE })),
        paging('stored texts (readRaw)', (from) => readRaw(pool, { from, limit: PAGE })),
        replaying('parsed JSON (replay)', client, ({ payload, metadata }) => JSON.parse(payload) !== JSON.parse(metadata)),
        replaying('stored texts, every field (replay)', client, (entry) => FIELDS.every((field) => entry[field] !== '')),
        replaying('stored texts, payload (replay)', client, ({ payload }) => payload !== ''),
      ],
      rounds,
    )) as [Figures, Figures, Figures, Figures, Figures];
    report.figures(`replay of ${EVENTS.toLocaleString('en-US')} events (times are of a page of ${PAGE}, or of the whole)`, figures);
    const [messages, , parsed, every, payload] = figures;
    report.verdict({ goal: 'replay, messages of the contract, events/s', measured: messages.eventsPerSecond, atLeast: 250_000 });
    report.verdict({ goal: 'replay, parsed JSON, events/s', measured: parsed.eventsPerSecond, atLeast: 250_000 });
    report.verdict({ goal: 'replay, raw, every field, events/s', measured: every.eventsPerSecond, atLeast: 450_000 });
    report.verdict({ goal: 'replay, raw, payload, events/s', measured: payload.eventsPerSecond, atLeast: 450_000 });
  } finally {
    client.release();
    await pool.end();
  }
}

const FIELDS: readonly (keyof RawEntry)[] = ['index', 'id', 'stream', 'revision', 'type', 'projectId', 'subjects', 'payload', 'metadata', 'recordedAt'];

/** `look` is true of each entry: so that nothing is left out, and nothing is optimised away. */
function replaying(name: string, client: PoolClient, look: (entry: RawEntry) => boolean): Contender {
  return repeated(name, EVENTS, async () => {
    let seen = 0;
    for await (const entries of replayed(client, { from: 0, to: EVENTS })) for (const entry of entries) if (look(entry)) seen += 1;
    if (seen !== EVENTS) throw new Error(`${name} saw ${seen} events instead of ${EVENTS}`);
  });
}

function paging(name: string, read: (from: number) => Promise<readonly object[]>): Contender {
  let from = 0;
  return repeated(name, PAGE, async () => {
    const events = await read(from);
    if (events.length !== PAGE) throw new Error(`the page from index ${from} has ${events.length} events instead of ${PAGE}`);
    from = (from + PAGE) % EVENTS;
  });
}

/** So many events, appended and ordered: streams of ten. */
async function fill(pool: Pool, events: number): Promise<void> {
  const appends = groupCommit(pool);
  let left = events / 10;
  const writer = async (): Promise<void> => {
    while (left-- > 0) await appends.appendPrepared(preparedOf({ id: uuidv7(), revision: 0, events: samples(10) }));
  };
  await Promise.all(Array.from({ length: 64 }, writer));
  await appends.close();
  await orderAll(pool);
  await pool.query('vacuum (analyze) ledger.event, ledger.entry');
}

/** Gives every event its index, as the ledger service would. */
export async function orderAll(pool: Pool): Promise<void> {
  let n: number;
  do n = (await pool.query<{ n: number }>('select ledger.sequence(10000) as n')).rows[0]!.n;
  while (n > 0);
}

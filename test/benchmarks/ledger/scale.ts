import { pooledSql, readStream } from '@vitae/event-store';
import type { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { Bench } from './bench.ts';
import { groupedPrepared } from './ours.ts';
import { quantile } from './quantile.ts';
import { orderAll } from './replay.ts';
import { alternate, repeated, type Figures } from './rounds.ts';
import { METADATA, SAMPLES, samples, SUBJECTS } from './sample-event.ts';
import { openPool } from './testbed.ts';

const SMALL = 100_000;

/** Whether an append or the read of a stream slows down as the ledger grows: a small and a large one side by side. */
export async function scale({ testbed, options, rounds, report }: Bench): Promise<void> {
  const sizes = [SMALL, options.events];
  const places = [];
  try {
    for (const size of sizes) {
      const url = await testbed.ledger();
      const pool = await openPool(url, 1);
      const begun = performance.now();
      places.push({ size, pool, streams: await load(pool, size), ours: await groupedPrepared(url, { connections: 1 }) });
      report.say(`  ${size.toLocaleString('en-US')} events loaded in ${((performance.now() - begun) / 1000).toFixed(0)} s`);
    }
    await testbed.query('checkpoint');
    // A connection lives for days: it has met the pages of the streams that it reads. The first meeting is told apart.
    const first: [string, number][] = [];
    for (const { size, pool, streams } of places) first.push([`at ${label(size)}`, await eachOnce(pool, streams)]);
    report.table('each of 10 thousand streams read for the first time on a connection', ['', 'p50 ms'], first);
    const [appendSmall, appendLarge, readSmall, readLarge] = await alternate(
      [
        ...places.map(({ size, ours }) => repeated(`append at ${label(size)}`, 1, () => ours.append({ id: uuidv7(), revision: 0, events: samples(1) }))),
        ...places.map(({ size, pool, streams }) => repeated(`read a stream at ${label(size)}`, 10, () => readOne(pool, streams))),
      ],
      rounds,
    ) as [Figures, Figures, Figures, Figures];
    report.figures('one at a time', [appendSmall, appendLarge, readSmall, readLarge]);
    report.verdict({ goal: `append p50 at ${label(options.events)} ÷ at ${label(SMALL)}`, measured: appendLarge.p50 / appendSmall.p50, atMost: 1.15 });
    report.verdict({ goal: `stream read p50 at ${label(options.events)} ÷ at ${label(SMALL)}`, measured: readLarge.p50 / readSmall.p50, atMost: 1.15 });
  } finally {
    for (const { pool, ours } of places) {
      await ours.close();
      await pool.end();
    }
  }
}

const label = (size: number): string => (size >= 1_000_000 ? `${size / 1_000_000} million` : `${size / 1_000} thousand`);

/** @returns the median, in milliseconds. */
async function eachOnce(pool: Pool, streams: readonly string[]): Promise<number> {
  const latencies: number[] = [];
  for (const stream of streams) {
    const begun = performance.now();
    await readTen(pool, stream);
    latencies.push(performance.now() - begun);
  }
  return quantile(latencies, 0.5);
}

const readOne = (pool: Pool, streams: readonly string[]): Promise<void> => readTen(pool, streams[Math.floor(Math.random() * streams.length)]!);

async function readTen(pool: Pool, stream: string): Promise<void> {
  const events = await readStream(pooledSql(pool), stream);
  if (events.length !== 10) throw new Error(`${stream} has ${events.length} events instead of 10`);
}

/** Writes the events with few statements, then has them ordered by the ledger's own function. A sample of the streams. */
async function load(pool: Pool, events: number): Promise<readonly string[]> {
  const PIECE = 100_000;
  for (let written = 0; written < events; written += PIECE) {
    await pool.query(LOAD, [Math.min(PIECE, events - written) / 10, SAMPLES[0]!.payload, METADATA, SUBJECTS]);
    await orderAll(pool);
  }
  await pool.query('vacuum (analyze) ledger.event, ledger.entry');
  const { rows } = await pool.query<{ stream: string }>('select stream from ledger.event where revision = 1 order by random() limit 10000');
  return rows.map(({ stream }) => stream);
}

const LOAD = `
  with stored as (
    insert into ledger.event (seq, id, stream, revision, type, project_id, subjects, payload, metadata)
    select nextval('ledger.event_seq'), uuidv7(), s.stream, r.revision, 'vitae.governance.v1.UseCaseDrafted', 'bench', $4::text[], $2::json, $3::json
    from (select 'governance.UseCase-' || uuidv7() as stream from generate_series(1, $1::integer)) s cross join lateral generate_series(1, 10) r (revision)
    returning seq
  )
  insert into ledger.unsequenced (seq) select seq from stored`;

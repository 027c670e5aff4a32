import type { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { Bench } from './bench.ts';
import { binaryArray, INT4, int4, JSON_TEXT, TEXT, UUID, uuid } from './binary-array.ts';
import { writing } from './closed-loop.ts';
import { groupedPrepared } from './ours.ts';
import { alternate, ratio, type Contender, type Figures } from './rounds.ts';
import { METADATA, SAMPLES, SUBJECTS } from './sample-event.ts';
import { openPool } from './testbed.ts';

const ROWS = 100;

/**
 * What checking costs: batches of 100 appends of one event each, to new streams. Raw: the same rows in one INSERT into
 * a table with the same columns, constraints and indexes. SQL alone: ledger.append_batch called in the same loop. Group
 * commit: the product, with its queue and a promise for each append.
 */
export async function batch(bench: Bench): Promise<void> {
  const { testbed, rounds, report } = bench;
  const url = await testbed.ledger();
  for (const connections of [1, 3]) {
    const pool = await openPool(url, connections);
    await pool.query(`create schema if not exists raw`);
    await pool.query(`create table if not exists raw.event (like ledger.event including all)`);
    await pool.query(`create sequence if not exists raw.event_seq`);
    const ours = await groupedPrepared(url, { connections, maxBatch: ROWS });
    try {
      const raw = statements('raw insert', pool, connections, rawInsert);
      const sql = statements('append_batch, SQL alone', pool, connections, appendBatch);
      const product = { ...writing(ours, { writers: 2 * ROWS * connections, batch: 1 }), name: 'group commit, prepared' };
      const [base, checked, whole] = (await alternate([raw, sql, product], rounds)) as [Figures, Figures, Figures];
      const title = `batches of ${ROWS} events, ${connections} ${connections === 1 ? 'connection' : 'connections'} (ratio: of raw)`;
      report.figures(title, [base, checked, whole], (f) => ratio(f, base));
      if (connections === 1) report.verdict({ goal: 'append_batch ÷ raw insert, one connection', measured: ratio(checked, base), atLeast: 0.8 });
      else report.verdict({ goal: `group commit ÷ raw insert, ${connections} connections`, measured: ratio(whole, base), atLeast: 0.6 });
    } finally {
      await ours.close();
      await pool.end();
    }
  }
}

interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

/** One statement after the other on each connection. */
function statements(name: string, pool: Pool, connections: number, statement: () => Statement): Contender {
  return {
    name,
    run: async (seconds) => {
      const latencies: number[] = [];
      const end = performance.now() + 1000 * seconds;
      const worker = async (): Promise<void> => {
        while (performance.now() < end) {
          const begun = performance.now();
          const { values, ...query } = statement();
          await pool.query({ ...query, values: [...values] });
          latencies.push(performance.now() - begun);
        }
      };
      await Promise.all(Array.from({ length: connections }, worker));
      return { events: latencies.length * ROWS, latencies };
    },
  };
}

const times = <T>(make: (i: number) => T): T[] => Array.from({ length: ROWS }, (_, i) => make(i));
const texts = (make: (i: number) => Buffer): Buffer => binaryArray(TEXT, times(make));
const constant = (text: string): Buffer => binaryArray(TEXT, times(() => Buffer.from(text)));

const ids = (): Buffer => binaryArray(UUID, times(() => uuid(uuidv7())));
const streams = (): Buffer => texts(() => Buffer.from(`governance.UseCase-${uuidv7()}`));
const types = constant('vitae.governance.v1.UseCaseDrafted');
const payloads = binaryArray(JSON_TEXT, times((i) => Buffer.from(SAMPLES[i]!.payload)));
const metadata = binaryArray(JSON_TEXT, times(() => Buffer.from(METADATA)));
const subjects = constant(SUBJECTS.join(' '));
const projects = constant('bench');
const expectNone = binaryArray(INT4, times(() => int4(0)));
const firsts = binaryArray(INT4, times((i) => int4(i + 1)));

const rawInsert = (): Statement => ({
  name: 'raw insert',
  text: `insert into raw.event (seq, id, stream, revision, type, project_id, subjects, payload, metadata)
    select nextval('raw.event_seq'), u.id, u.stream, 1, u.type, 'bench', string_to_array(u.subjects, ' '), u.payload, u.metadata
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::json[], $6::json[]) as u (id, stream, type, subjects, payload, metadata)`,
  values: [ids(), streams(), types, subjects, payloads, metadata],
});

const appendBatch = (): Statement => ({
  name: 'append_batch',
  text: 'select recorded_at::text, revisions from ledger.append_batch($1, $2, $3, $4, $5, $6, $7, $8, $9)',
  values: [streams(), expectNone, projects, subjects, metadata, firsts, ids(), types, payloads],
});

import type { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { Bench } from './bench.ts';
import { binaryArray, TEXT, UUID, uuid } from './binary-array.ts';
import { gapTracker, inboxReader, type Sequencer } from './sequencers.ts';
import { alternate, ratio, type Contender } from './rounds.ts';
import { METADATA, SAMPLES, SUBJECTS } from './sample-event.ts';
import { openPool } from './testbed.ts';

const ROWS = 32;
const CONNECTIONS = 3;

/**
 * The inbox row against gap tracking, on tables of their own with the columns and indexes of ledger.event and
 * ledger.entry: appends of 32 rows on three connections, alone and with the sequencing that they need. What counts is
 * the server's CPU for an event. Neither checks revisions or writes subjects, which both would do alike.
 */
export async function inboxOrGaps({ testbed, rounds, report }: Bench): Promise<void> {
  const url = await testbed.ledger();
  const pool = await openPool(url, CONNECTIONS + 1);
  try {
    for (const { schema } of WAYS) await pool.query(tables(schema));
    const figures = await alternate(WAYS.map((way) => contender(pool, way)), rounds);
    const [without] = figures;
    report.figures(`append (${ROWS} rows, ${CONNECTIONS} connections) and sequencing (ratio: of the first)`, figures, (f) => ratio(f, without!));
    const { rows } = await pool.query<{ way: string; events: string; entries: string }>(COUNTS);
    for (const { way, events, entries } of rows) report.say(`  ${way}: ${events} events written, ${entries} entries`);
  } finally {
    await pool.end();
  }
}

interface Way {
  readonly name: string;
  /** Each works on tables of its own, so that none orders what another left behind. */
  readonly schema: string;
  readonly inbox: boolean;
  readonly sequencer?: (pool: Pool) => Sequencer;
}

const WAYS: readonly Way[] = [
  { name: 'append without an inbox row', schema: 'plain', inbox: false },
  { name: 'append with it', schema: 'boxed', inbox: true },
  { name: 'gap tracking, whole', schema: 'gaps', inbox: false, sequencer: gapTracker },
  { name: 'inbox, whole', schema: 'inbox', inbox: true, sequencer: inboxReader },
];

const tables = (schema: string): string => `
  create schema ${schema};
  create sequence ${schema}.event_seq cache 1;
  create table ${schema}.event (like ledger.event including all);
  create table ${schema}.entry (index bigint primary key, seq bigint not null unique, sequenced_at timestamptz not null);
  create table ${schema}.unsequenced (seq bigint primary key) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000)`;

const COUNTS = ['inbox', 'gaps']
  .map((schema) => `select '${schema}' as way, (select count(*) from ${schema}.event) as events, (select count(*) from ${schema}.entry) as entries`)
  .join(' union all ');

/** Writers, and a sequencer that goes round until all that they wrote is in order. */
function contender(pool: Pool, way: Way): Contender {
  const sequencer = way.sequencer?.(pool);
  return {
    name: way.name,
    run: async (seconds) => {
      const latencies: number[] = [];
      const end = performance.now() + 1000 * seconds;
      let writing = true;
      const ordering = (async () => {
        let ordered = 0;
        while (sequencer && (writing || ordered < latencies.length * ROWS)) {
          const n = await sequencer.step();
          ordered += n;
          if (n === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        }
      })();
      const writer = async (): Promise<void> => {
        while (performance.now() < end) {
          const begun = performance.now();
          await pool.query({ name: `insert ${way.schema}`, text: insert(way), values: rows() });
          latencies.push(performance.now() - begun);
        }
      };
      await Promise.all(Array.from({ length: CONNECTIONS }, writer));
      writing = false;
      await ordering;
      return { events: latencies.length * ROWS, latencies };
    },
  };
}

/** The transaction has its id before it draws a number: gap tracking is wrong without that. */
const insert = ({ schema, inbox }: Way): string => `
  with stored as (
    insert into ${schema}.event (seq, id, stream, revision, type, project_id, subjects, payload, metadata)
    select nextval('${schema}.event_seq'), u.id, u.stream, 1, 'vitae.governance.v1.UseCaseDrafted', 'bench', '{${SUBJECTS.join(',')}}', u.payload::json, u.metadata::json
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) as u (id, stream, payload, metadata) where pg_current_xact_id() is not null
    returning seq
  ) ${inbox ? `insert into ${schema}.unsequenced (seq) select seq from stored` : 'select count(*) from stored'}`;

const each = (make: (i: number) => Buffer): Buffer[] => Array.from({ length: ROWS }, (_, i) => make(i));
const payloads = binaryArray(TEXT, each((i) => Buffer.from(SAMPLES[i]!.payload)));
const metadata = binaryArray(TEXT, each(() => Buffer.from(METADATA)));
const rows = (): Buffer[] => [
  binaryArray(UUID, each(() => uuid(uuidv7()))),
  binaryArray(TEXT, each(() => Buffer.from(`governance.UseCase-${uuidv7()}`))),
  payloads,
  metadata,
];

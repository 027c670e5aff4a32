import type { RecordedEvent, Sql } from '@vitae/event-store';
import { Client } from 'pg';
import { CONNECTIONS, sideBySide } from './append.ts';
import type { Bench } from './bench.ts';
import { emmett } from './emmett.ts';
import { grouped, groupedPrepared } from './ours.ts';
import { installPeers } from './peers.ts';
import { ratio } from './rounds.ts';

/** Appends that also write a view's row, in the same transaction, against emmett's append that writes none. */
export async function view(bench: Bench): Promise<void> {
  const { testbed, report } = bench;
  await installPeers(report.say);
  const url = await testbed.ledger();
  await createView(url);
  const withView = { project };
  const contenders = [
    { ...(await grouped(url, withView)), name: 'Vitae with a view' },
    { ...(await groupedPrepared(url, withView)), name: 'Vitae, prepared, with a view' },
    { ...(await emmett(await testbed.database('emmett'), CONNECTIONS)), name: 'emmett without one' },
  ];
  const shapes = [1, 32].map((writers) => ({ writers, batch: 1 }));
  for (const { shape, of } of await sideBySide(bench, contenders, 'append with an inline view', shapes)) {
    for (const us of ['Vitae with a view', 'Vitae, prepared, with a view']) {
      report.verdict({ goal: `${us} ÷ emmett without, ${shape.writers} writer(s)`, measured: ratio(of(us), of('emmett without one')), atLeast: 1 });
    }
  }
}

async function createView(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`
    create schema bench;
    create table bench.use_case (stream text collate "C" primary key, revision integer not null, document json not null, changed_at timestamptz not null)`);
  await client.end();
}

/** One row for each stream: its newest event. A stream is in a batch once, so the statement never meets a row twice. */
async function project(sql: Sql, accepted: readonly (readonly RecordedEvent[])[]): Promise<void> {
  const newest = accepted.map((events) => events.at(-1)!);
  await sql.query(
    `insert into bench.use_case (stream, revision, document, changed_at)
     select u.stream, u.revision, u.document::json, u.changed_at from unnest($1::text[], $2::integer[], $3::text[], $4::timestamptz[]) as u (stream, revision, document, changed_at)
     on conflict (stream) do update set revision = excluded.revision, document = excluded.document, changed_at = excluded.changed_at`,
    [newest.map((e) => e.stream), newest.map((e) => e.revision), newest.map((e) => e.payload), newest.map((e) => e.recordedAt)],
  );
}

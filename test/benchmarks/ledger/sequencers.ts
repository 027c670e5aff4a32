import type { Pool } from 'pg';

/** One of two ways to give committed events their indices, as far as the comparison needs it: alone, and in one process. */
export interface Sequencer {
  /** Orders what is visible; how many that were. */
  step(): Promise<number>;
}

const LIMIT = 1_000;

/** The ledger's own way: each append leaves a row behind, and ordering takes the rows away. */
export function inboxReader(pool: Pool): Sequencer {
  let next = 0;
  return {
    step: async () => {
      const { rowCount } = await pool.query({ name: 'inbox', text: FROM_INBOX, values: [next, LIMIT] });
      next += rowCount ?? 0;
      return rowCount ?? 0;
    },
  };
}

const FROM_INBOX = `
  with taken as (
    delete from inbox.unsequenced u
    where u.seq <= (select max(w.seq) from (select w.seq from inbox.unsequenced w order by w.seq limit $2) w) returning u.seq
  )
  insert into inbox.entry (index, seq, sequenced_at)
  select $1::bigint - 1 + row_number() over (order by t.seq), t.seq, clock_timestamp() from taken t returning 1`;

/**
 * Without an inbox: read on behind the greatest number seen, and keep the numbers that were passed over. Such a gap is
 * somebody's who has not committed yet, or nobody's any more. Which of the two is known when every transaction has ended
 * that may own it: an id assigned after the snapshot that saw the gap bounds them, and the statement's own id is one.
 * A prototype: a leader that starts would have to read what is still open from what is missing.
 */
export function gapTracker(pool: Pool): Sequencer {
  let next = 0;
  let seen = 0n; // the greatest number there was
  const open = new Map<bigint, bigint>(); // gap → an id above all its possible owners
  const step = async (): Promise<number> => {
    const asked = [...open.keys()];
    const { rows } = await pool.query<Placed>({ name: 'gaps', text: PAST_GAPS, values: [next, LIMIT, seen, `{${asked.join(',')}}`] });
    const [first] = rows;
    next += rows.length;
    if (!first) return 0; // gaps wait for the next step that orders something: no id was taken, so nothing is bounded
    for (const { seq } of rows.slice().sort((a, b) => Number(BigInt(a.seq) - BigInt(b.seq)))) {
      const number = BigInt(seq);
      open.delete(number);
      for (let gap = seen + 1n; gap < number; gap += 1n) open.set(gap, BigInt(first.xid));
      if (number > seen) seen = number;
    }
    const oldest = BigInt(first.xmin);
    for (const gap of asked) if (oldest > (open.get(gap) ?? oldest)) open.delete(gap); // its owner had ended before we looked
    return rows.length;
  };
  return { step };
}

interface Placed {
  readonly seq: string;
  readonly xid: string;
  readonly xmin: string;
}

const PAST_GAPS = `
  with fresh as (
    select e.seq from gaps.event e where e.seq > $3::bigint order by e.seq limit $2
  ), late as (
    select e.seq from gaps.event e where e.seq = any($4::bigint[])
  )
  insert into gaps.entry (index, seq, sequenced_at)
  select $1::bigint - 1 + row_number() over (order by s.seq), s.seq, clock_timestamp() from (select seq from fresh union all select seq from late) s
  returning seq, pg_current_xact_id()::text as xid, pg_snapshot_xmin(pg_current_snapshot())::text as xmin`;

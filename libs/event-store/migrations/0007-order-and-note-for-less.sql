-- Ordering events and noting them for the history, as before (0002, 0005) and for less.

-- Statement by statement instead of one of many parts: to set that up cost more than to carry out its parts, also for many
-- events at once. Which events are taken is fixed by the array: what is committed meanwhile waits for the next look.
create or replace function ledger.sequence_entries(p_limit integer) returns table (
  index bigint, id uuid, stream text, revision integer, type text, project_id text, subjects text[], payload json, metadata json, recorded_at timestamptz
) language plpgsql security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  first_index bigint;
  at timestamptz;
  seqs bigint[];
begin
  if not exists (select from ledger.unsequenced) then return; end if; -- a lock is written, too, and waits for the disk
  select h.next_index, greatest(clock_timestamp(), h.sequenced_at) into first_index, at from ledger.head h for update;
  seqs := array(select u.seq from ledger.unsequenced u order by u.seq limit p_limit);
  if seqs = '{}' then return; end if; -- another sequencer was quicker
  delete from ledger.unsequenced u where u.seq = any (seqs);
  insert into ledger.entry (index, seq, sequenced_at) select first_index - 1 + t.n, t.seq, at from unnest(seqs) with ordinality as t (seq, n);
  return query
  select first_index - 1 + t.n, e.id, e.stream, e.revision, e.type, e.project_id, e.subjects, e.payload, e.metadata, e.recorded_at
  from unnest(seqs) with ordinality as t (seq, n) cross join lateral (select v.* from ledger.event v where v.seq = t.seq offset 0) e order by t.n;
  update ledger.head h set next_index = first_index + cardinality(seqs), sequenced_at = at;
end $$;

-- The actor is cut out of the whole text, for to count characters up to the 160th cost more than to copy the rest; the
-- service is asked of each kind of event, not of each event.
create or replace function ledger.note_entries() returns integer language plpgsql security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off set max_parallel_workers_per_gather = 0 as $$
declare
  low bigint;
  high bigint;
begin
  select n.next_index into low from ledger.noted n for update skip locked;
  high := least(low + 40 * 256, (select h.next_index / 256 * 256 from ledger.head h));
  if low is null or high <= low then return 0; end if;
  with fresh as materialized (
    select n.index, e.subjects, e.project, e.type, e.actor
    from ledger.entry n cross join lateral ( -- with an offset: event by event, never all of them
      select v.subjects, v.project_id as project, v.type,
        case when starts_with(m.metadata, '{"actor":{"id":"') then split_part(m.metadata, '"', 6) end collate "C" as actor
      from ledger.event v cross join lateral (select v.metadata::text as metadata offset 0) m where v.seq = n.seq offset 0
    ) e
    where n.index >= low and n.index < high
  ), subjects as (
    insert into ledger.entry_subject (subject, index)
    select s.subject, f.index from fresh f cross join unnest(f.subjects) with ordinality as s (subject, place)
    where (s.place = 1 or array_position(f.subjects, s.subject) = s.place) -- named twice, it is noted once
      and octet_length(s.subject) <= 2000 -- what an index can hold, and not null; nothing may stop it
    order by s.subject, f.index
  )
  insert into ledger.entry_block (facet, block)
  select distinct t.facet, d.block
  from (
    select k.*, split_part(k.type, '.', 2) as service from (select distinct f.index / 256 as block, f.project, f.type, f.actor from fresh f) k
  ) d cross join lateral unnest(array[
    d.project, d.project || ' ' || d.type, d.project || ' ' || d.service, d.project || ' @' || d.actor,
    '* ' || d.type, '* ' || d.service, '* @' || d.actor
  ]) as t (facet)
  where octet_length(t.facet) <= 2000
  order by t.facet, d.block;
  update ledger.noted n set next_index = high;
  return high - low;
end $$;

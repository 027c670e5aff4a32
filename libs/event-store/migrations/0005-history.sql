-- Where the history API looks for the events of a subject, of a project, of a type, of a service or of an actor.
--
-- An index over each of these on ledger.event would make every append dearer, and written with the entries they would
-- make every event wait for its index. So they are written behind: block by block of 256 entries, once a block is full.
-- What is not noted yet is looked through as it is; it is less than a block and what came since, so that costs a moment.
--
-- Subjects are noted each (ledger.entry_subject, 0002). The others by a coarse index: which blocks hold at least one such
-- event. A reader goes from block to block and looks through each. A block has few different projects, types and actors,
-- so that it costs less than one narrow row an event.
--
--   credit                                          the project has events there
--   credit vitae.registry.v1.ModelRegistered        ... of this type
--   credit registry                                 ... of this service
--   credit @dana                                    ... by this actor
--   * vitae.registry.v1.ModelRegistered  …          the last three again for the whole installation
create table ledger.entry_block (
  facet text collate "C" not null,
  block bigint not null, -- index / 256
  primary key (facet, block)
);
select ledger.protect('ledger.entry_block');

-- One row for ever: how far the entries are noted. Its lock is the fence between those who note.
create table ledger.noted (
  singleton  boolean primary key default true check (singleton),
  next_index bigint not null check (next_index >= 0 and next_index % 256 = 0)
);
insert into ledger.noted (next_index) values (0);

-- Notes the next full blocks, at most 40 of them. Returns how many entries; 0 when none is full, or somebody else is at it.
-- The actor is cut out of the canonical text, where it comes first: json operators raise an error for text that JSON can
-- say and PostgreSQL cannot hold (\u0000), and one such event would stop it for all.
create function ledger.note_entries() returns integer language plpgsql security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off set max_parallel_workers_per_gather = 0 as $$
declare
  low bigint;
  high bigint;
begin
  select n.next_index into low from ledger.noted n for update skip locked;
  high := least(low + 40 * 256, (select h.next_index / 256 * 256 from ledger.head h));
  if low is null or high <= low then return 0; end if;
  with fresh as materialized (
    select n.index, e.subjects, e.project_id as project, e.type, split_part(e.type, '.', 2) as service,
      case when starts_with(e.beginning, '{"actor":{"id":"') then split_part(e.beginning, '"', 6) end collate "C" as actor
    from ledger.entry n cross join lateral ( -- with an offset: event by event, never all of them
      select v.subjects, v.project_id, v.type, left(v.metadata::text, 160) as beginning from ledger.event v where v.seq = n.seq offset 0
    ) e
    where n.index >= low and n.index < high
  ), subjects as (
    insert into ledger.entry_subject (subject, index)
    select s.subject, f.index from fresh f cross join unnest(f.subjects) with ordinality as s (subject, place)
    where array_position(f.subjects, s.subject) = s.place -- named twice, it is noted once
      and octet_length(s.subject) <= 2000 -- what an index can hold, and not null; nothing may stop it
    order by s.subject, f.index
  )
  insert into ledger.entry_block (facet, block)
  select distinct t.facet, d.block
  from (select distinct f.index / 256 as block, f.project, f.type, f.service, f.actor from fresh f) d cross join lateral unnest(array[
    d.project, d.project || ' ' || d.type, d.project || ' ' || d.service, d.project || ' @' || d.actor,
    '* ' || d.type, '* ' || d.service, '* @' || d.actor
  ]) as t (facet)
  where octet_length(t.facet) <= 2000
  order by t.facet, d.block;
  update ledger.noted n set next_index = high;
  return high - low;
end $$;

-- What nobody noted yet, with its subjects. The planner is told how much that is, for it would guess a third of the ledger.
create function ledger.not_noted() returns table (index bigint, subjects text[]) language sql stable rows 300
set search_path = pg_catalog, pg_temp set enable_seqscan = off set max_parallel_workers_per_gather = 0 as $$
  select n.index, e.subjects
  from ledger.entry n cross join lateral (select v.subjects from ledger.event v where v.seq = n.seq offset 0) e
  where n.index >= (select t.next_index from ledger.noted t)
$$;

-- All that concerns a subject, in ledger order: noted or not.
create view ledger.concern (subject, index) as
  select s.subject, s.index from ledger.entry_subject s
  union all
  select s.subject, t.index from ledger.not_noted() t cross join lateral (select distinct u.subject from unnest(t.subjects) as u (subject)) s;

-- What is there already.
do $$
begin
  while ledger.note_entries() > 0 loop
    null;
  end loop;
end $$;

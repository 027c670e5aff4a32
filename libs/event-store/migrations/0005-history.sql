-- Where the history API looks for the events of a project, of a type, of a service or of an actor.
--
-- An index over each of these on ledger.event would make every append dearer. This is a coarse one beside it: which
-- blocks of 256 entries hold at least one such event. A reader goes from block to block and looks through each. A block
-- has few different projects, types and actors, so that it costs less than one narrow row an event, and the sequencer
-- writes it, not the append.
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

-- A trigger and not a part of ledger.sequence: whoever places entries, they can be found.
-- The actor is cut out of the canonical text, where it comes first: json operators raise an error for text that JSON can
-- say and PostgreSQL cannot hold (\u0000), and one such event would stop the sequencer for all.
create function ledger.note_blocks() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
  insert into ledger.entry_block (facet, block)
  select distinct f.facet, d.block
  from (
    select distinct p.index / 256 as block, e.project_id as project, e.type, split_part(e.type, '.', 2) as service, case when starts_with(e.metadata::text, '{"actor":{"id":"') then split_part(left(e.metadata::text, 160), '"', 6) end collate "C" as actor
    from placed p join ledger.event e on e.seq = p.seq
  ) d cross join lateral unnest(array[
    d.project, d.project || ' ' || d.type, d.project || ' ' || d.service, d.project || ' @' || d.actor,
    '* ' || d.type, '* ' || d.service, '* @' || d.actor
  ]) as f (facet)
  where octet_length(f.facet) <= 2000 -- what an index can hold, and not null; nothing may stop the sequencer
  on conflict do nothing;
  return null;
end $$;
create trigger entry_blocks after insert on ledger.entry
  referencing new table as placed for each statement execute function ledger.note_blocks();

-- What is there already.
insert into ledger.entry_block (facet, block)
select distinct f.facet, d.block
from (
  select distinct n.index / 256 as block, e.project_id as project, e.type, split_part(e.type, '.', 2) as service, case when starts_with(e.metadata::text, '{"actor":{"id":"') then split_part(left(e.metadata::text, 160), '"', 6) end collate "C" as actor
  from ledger.entry n join ledger.event e on e.seq = n.seq
) d cross join lateral unnest(array[
  d.project, d.project || ' ' || d.type, d.project || ' ' || d.service, d.project || ' @' || d.actor,
  '* ' || d.type, '* ' || d.service, '* @' || d.actor
]) as f (facet)
where octet_length(f.facet) <= 2000;

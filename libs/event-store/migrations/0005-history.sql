-- Where the history API looks for the events of a project, of a type, of a service or of an actor.
--
-- An index over each of these on ledger.event would make every append dearer. This is a coarse one beside it: which
-- blocks of 64 entries hold at least one such event. A reader goes from block to block and looks through each. A block
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
  block bigint not null, -- index / 64
  primary key (facet, block)
);
select ledger.protect('ledger.entry_block');

create function ledger.facets(p_project_id text, p_type text, p_actor text) returns text[] language sql immutable
set search_path = pg_catalog, pg_temp as $$
  select array[
    p_project_id, p_project_id || ' ' || p_type, p_project_id || ' ' || split_part(p_type, '.', 2), p_project_id || ' @' || p_actor,
    '* ' || p_type, '* ' || split_part(p_type, '.', 2), '* @' || p_actor
  ]
$$;

insert into ledger.entry_block (facet, block)
select distinct f.facet, d.block
from (
  select distinct n.index / 64 as block, e.project_id, e.type, e.metadata -> 'actor' ->> 'id' as actor
  from ledger.entry n join ledger.event e on e.seq = n.seq
) d cross join unnest(ledger.facets(d.project_id, d.type, d.actor)) as f (facet);

-- A trigger and not a part of ledger.sequence: whoever places entries, they can be found.
create function ledger.note_blocks() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
  insert into ledger.entry_block (facet, block)
  select distinct f.facet, d.block
  from (
    select distinct p.index / 64 as block, e.project_id, e.type, e.metadata -> 'actor' ->> 'id' as actor
    from placed p join ledger.event e on e.seq = p.seq
  ) d cross join unnest(ledger.facets(d.project_id, d.type, d.actor)) as f (facet)
  on conflict do nothing;
  return null;
end $$;
create trigger entry_blocks after insert on ledger.entry
  referencing new table as placed for each statement execute function ledger.note_blocks();

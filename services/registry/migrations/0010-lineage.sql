-- What came from what, since when and until when: the graph of a project, from the events of all services.
--
-- A node's key is a digest of project, kind and id: ids may be long (a repository and its commit, a place in a lake), edges
-- stay short, and a rebuild gives the same keys. An `_index` is null until the sequencer has been at the event.

-- How a node was called and how it stood, from one event to another.
create table registry.lineage_node (
  key         uuid not null,
  project_id  text collate "C" not null,
  kind        text not null,
  id          text not null,
  label       text not null,
  state       text not null,
  since_at    timestamptz not null,
  since_index bigint,
  since_event uuid not null,
  until_at    timestamptz,
  until_index bigint,
  until_event uuid,
  primary key (key, since_event)
);
create unique index lineage_node_now on registry.lineage_node (key) where until_at is null;
create index lineage_node_unsequenced on registry.lineage_node (since_event) where since_index is null;
create index lineage_node_unsequenced_end on registry.lineage_node (until_event) where until_at is not null and until_index is null;

create table registry.lineage_edge (
  from_key    uuid not null,
  to_key      uuid not null,
  relation    text not null,
  -- Only of what somebody declared, and so can withdraw.
  link_id     uuid,
  since_at    timestamptz not null,
  since_index bigint,
  since_event uuid not null,
  until_at    timestamptz,
  until_index bigint,
  until_event uuid,
  primary key (from_key, to_key, relation, since_event)
);
create unique index lineage_edge_now on registry.lineage_edge (from_key, to_key, relation) where until_at is null;
create index lineage_edge_up on registry.lineage_edge (to_key);
create index lineage_edge_event on registry.lineage_edge (since_event);
create index lineage_edge_unsequenced_end on registry.lineage_edge (until_event) where until_at is not null and until_index is null;

create table registry.lineage_link (
  id           uuid primary key,
  project_id   text collate "C" not null,
  from_kind    text not null,
  from_id      text not null,
  to_kind      text not null,
  to_id        text not null,
  relation     text not null,
  from_key     uuid not null,
  to_key       uuid not null,
  stream       text not null,
  revision     integer not null,
  -- Sealed, where there is a keyring.
  reason       text not null,
  declared_at  timestamptz not null,
  declared_by  text not null,
  withdrawn_at timestamptz,
  withdrawn_by text,
  -- Declared again after it was withdrawn, it is the same link.
  constraint lineage_link_once unique (from_key, to_key, relation)
);
create index lineage_link_page on registry.lineage_link (project_id, id);

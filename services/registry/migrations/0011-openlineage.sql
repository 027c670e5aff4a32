-- What the registry tells others by OpenLineage, in the ledger's order.
create table registry.openlineage_told (
  index      bigint primary key,
  project_id text collate "C" not null,
  event      jsonb not null
);
create index openlineage_told_project on registry.openlineage_told (project_id, index);

-- How far each server that it is sent to has taken it. No view: nothing in the ledger says what others have.
create table registry.openlineage_push (
  target     text primary key,
  next_index bigint not null
);

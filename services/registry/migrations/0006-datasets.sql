-- Dataset versions live on after their registration: quarantine, deprecation, sensitivity, quality, erasure. And a dataset is
-- something of its own.

alter table registry.dataset_version
  add column quarantine                  jsonb,
  add column deprecation                 jsonb,
  add column erasure                     jsonb,
  add column quality                     jsonb,
  add column derived_from                jsonb not null default '{"datasetVersionIds": [], "uris": []}',
  add column labelling_notes             text not null default '',
  add column anonymisations              jsonb not null default '[]',
  add column pii_suggestions             jsonb not null default '[]',
  -- With a default, for replicas of before that still run.
  add column updated_at                  timestamptz not null default now();
update registry.dataset_version set updated_at = registered_at;
create index dataset_version_page on registry.dataset_version (project_id, id);
-- "Is anything in quarantine at all?", asked of every model version that is shown.
create index dataset_version_quarantined on registry.dataset_version (project_id) where quarantine is not null;

-- Which version was made of which: both ways, for what is wrong with one is wrong with all that came of it.
create table registry.dataset_derivation (
  dataset_version_id uuid not null,
  source_id          uuid not null,
  primary key (dataset_version_id, source_id)
);
create index dataset_derivation_source on registry.dataset_derivation (source_id);

-- "What is built on this data?"
create index model_version_dataset on registry.model_version (dataset_version_id, id);

create table registry.dataset (
  id                    uuid primary key,
  project_id            text collate "C" not null,
  name                  text collate "C" not null,
  stream                text not null,
  revision              integer not null,
  description           text not null,
  owner                 text not null,
  tags                  jsonb not null,
  expectations          jsonb not null,
  expectations_revision integer not null,
  on_failure            text not null check (on_failure in ('note', 'quarantine')),
  updated_at            timestamptz not null,
  constraint dataset_name_once unique (project_id, name)
);

create table registry.dataset_quality (
  id                    uuid primary key,
  project_id            text collate "C" not null,
  dataset_version_id    uuid not null,
  expectations_revision integer not null,
  outcome               text not null,
  row_count             bigint not null,
  results               jsonb not null,
  assessed_at           timestamptz not null,
  assessed_by           text not null
);
create index dataset_quality_page on registry.dataset_quality (dataset_version_id, id);

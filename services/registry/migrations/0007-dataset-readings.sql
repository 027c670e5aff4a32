-- Files that are being read in the background. Nothing of this is in the ledger: what comes of a reading is the registered
-- version, and of a reading that broke off comes nothing.
create table registry.dataset_reading (
  id                 uuid primary key,
  project_id         text collate "C" not null,
  dataset_name       text not null,
  digest             text not null,
  -- The id that the version has once it is registered.
  dataset_version_id uuid not null,
  state              text not null check (state in ('waiting', 'running', 'registered', 'refused', 'interrupted')),
  phase              text not null,
  share              double precision not null,
  row_count          bigint,
  -- The problem document of a refusal.
  problem            jsonb,
  asked_by           text not null,
  asked_at           timestamptz not null,
  -- The service that reads says so every few seconds; without that, it is no more.
  alive_at           timestamptz not null,
  finished_at        timestamptz
);
create index dataset_reading_page on registry.dataset_reading (project_id, id);

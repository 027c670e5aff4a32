-- Versions of one model that were run on the same rows, side by side.
create table registry.version_comparison (
  id                 uuid primary key,
  project_id         text collate "C" not null,
  model_id           uuid not null,
  stream             text not null,
  revision           integer not null,
  dataset_version_id uuid not null,
  dataset_digest     text not null,
  split              text not null,
  row_count          bigint not null,
  task               text not null,
  versions           jsonb not null,
  resamples          integer not null,
  seed               bigint not null,
  recorded_at        timestamptz not null,
  recorded_by        text not null
);
create index version_comparison_page on registry.version_comparison (model_id, id);

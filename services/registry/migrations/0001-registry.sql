-- What the registry keeps to answer questions. Everything here can be rebuilt from the ledger, from index 0.

-- The last version number given under a scope (`dataset/<project>/<name>`, `model/<id>`). Its row is locked while
-- the next version is appended, so that numbers are dense and two registrations never wait for the same number in vain.
create table registry.version_counter (
  scope        text collate "C" primary key,
  last_version integer not null check (last_version >= 0)
);

create table registry.dataset_version (
  id                uuid primary key,
  project_id        text collate "C" not null,
  dataset_name      text collate "C" not null,
  version           integer not null,
  stream            text not null,
  revision          integer not null,
  digest            text not null,
  size_bytes        bigint not null,
  media_type        text not null,
  row_count         bigint not null,
  columns           jsonb not null,
  splits            jsonb not null,
  split_column      text not null,
  label_column      text not null,
  protected_columns jsonb not null,
  pii_class         text not null,
  lawful_basis      text not null,
  allowed_purposes  jsonb not null,
  residency         text not null,
  retention_until   text not null,
  source            text not null,
  licence           text not null,
  registered_at     timestamptz not null,
  registered_by     text not null,
  constraint dataset_version_number_once unique (project_id, dataset_name, version),
  -- The same bytes are one version of a dataset, not two.
  constraint dataset_version_digest_once unique (project_id, dataset_name, digest)
);

create table registry.model (
  id            uuid primary key,
  project_id    text collate "C" not null,
  name          text collate "C" not null,
  stream        text not null,
  revision      integer not null,
  description   text not null,
  task          text not null,
  use_case_id   uuid not null,
  registered_at timestamptz not null,
  registered_by text not null,
  constraint model_name_once unique (project_id, name)
);
create index model_page on registry.model (project_id, id);

create table registry.model_version (
  id                 uuid primary key,
  project_id         text collate "C" not null,
  model_id           uuid not null,
  model_name         text not null,
  version            integer not null,
  stream             text not null,
  revision           integer not null,
  state              text not null check (state in ('registered', 'retired')),
  artefact_digest    text not null,
  artefact_format    text not null,
  files              jsonb not null,
  inputs             jsonb not null,
  outputs            jsonb not null,
  dataset_version_id uuid not null,
  dataset_digest     text not null,
  source             jsonb not null,
  training_metrics   jsonb not null,
  contributors       jsonb not null,
  description        text not null,
  use_case_id        uuid not null,
  archive_location   text,
  retirement_id      uuid,
  registered_at      timestamptz not null,
  registered_by      text not null,
  constraint model_version_number_once unique (model_id, version),
  constraint model_version_artefact_once unique (model_id, artefact_digest)
);
create index model_version_page on registry.model_version (model_id, id);
-- "Does a version that is not retired still use these bytes?", asked when bytes go to the archive.
create index model_version_files on registry.model_version using gin (files jsonb_path_ops) where state = 'registered';

create table registry.evaluation (
  id                 uuid primary key,
  project_id         text collate "C" not null,
  stream             text not null,
  revision           integer not null,
  model_version_id   uuid not null,
  model_id           uuid not null,
  version            integer not null,
  artefact_digest    text not null,
  dataset_version_id uuid not null,
  dataset_digest     text not null,
  split              text not null,
  row_count          bigint not null,
  metrics            jsonb not null,
  groups             jsonb not null,
  comparison         jsonb,
  recorded_at        timestamptz not null,
  recorded_by        text not null
);
create index evaluation_page on registry.evaluation (model_version_id, id);

-- Who serves: from deployment's events. Only weights above 0.
create table registry.traffic (
  endpoint_id      uuid not null,
  variant_id       uuid not null,
  model_version_id uuid not null,
  weight           integer not null check (weight > 0),
  primary key (endpoint_id, variant_id)
);
create index traffic_version on registry.traffic (model_version_id);

-- Retirements that governance approved and that wait for the traffic to be gone.
create table registry.approved_retirement (
  model_version_id uuid primary key,
  retirement_id    uuid not null,
  project_id       text collate "C" not null
);
create index approved_retirement_project on registry.approved_retirement (project_id);

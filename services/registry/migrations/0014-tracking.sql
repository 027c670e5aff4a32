-- Experiments, runs and logged models, for MLflow's clients that track here.

create table registry.experiment (
  project_id        text collate "C" not null,
  id                text collate "C" not null,
  stream            text not null,
  revision          integer not null,
  name              text collate "C" not null,
  artifact_location text not null,
  tags              jsonb not null,
  created_at        timestamptz not null,
  created_by        text not null,
  updated_at        timestamptz not null,
  deleted_at        timestamptz,
  primary key (project_id, id)
);
-- One that is deleted keeps its name: it can come back.
create unique index experiment_name_once on registry.experiment (project_id, name);
create index experiment_updated on registry.experiment (project_id, updated_at desc, id desc);

create table registry.run (
  id            uuid primary key,
  project_id    text collate "C" not null,
  experiment_id text collate "C" not null,
  stream        text not null,
  revision      integer not null,
  name          text collate "C" not null,
  user_id       text collate "C" not null,
  status        text collate "C" not null check (status in ('RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED')),
  -- Milliseconds since 1970, as the client says them.
  started_at    bigint not null,
  ended_at      bigint,
  artifact_uri  text collate "C" not null,
  params        jsonb not null,
  tags          jsonb not null,
  -- Ids of logged models that it read, and { id, step } of those that it made.
  model_inputs  jsonb not null default '[]',
  model_outputs jsonb not null default '[]',
  created_by    text not null,
  updated_at    timestamptz not null,
  deleted_at    timestamptz
);
create index run_started on registry.run (project_id, experiment_id, started_at desc, id);
create index run_tags on registry.run using gin (tags jsonb_path_ops);
create index run_params on registry.run using gin (params jsonb_path_ops);

-- Every point that was logged. Its key is the point itself: the same one twice is one.
create table registry.run_metric_point (
  run_id         uuid not null,
  key            text collate "C" not null,
  timestamp      bigint not null,
  step           bigint not null,
  value          float8 not null,
  -- Empty when it was measured of the run alone.
  model_id       text collate "C" not null,
  dataset_name   text collate "C" not null,
  dataset_digest text collate "C" not null,
  primary key (run_id, key, timestamp, step, value, model_id)
);
create index run_metric_point_step on registry.run_metric_point (run_id, key, step);
create index run_metric_point_model on registry.run_metric_point (model_id, key) where model_id <> '';

-- The newest point of each metric of a run: by step, then time, then value.
create table registry.run_metric (
  run_id         uuid not null,
  key            text collate "C" not null,
  timestamp      bigint not null,
  step           bigint not null,
  value          float8 not null,
  model_id       text collate "C" not null,
  dataset_name   text collate "C" not null,
  dataset_digest text collate "C" not null,
  primary key (run_id, key)
);
create index run_metric_value on registry.run_metric (key, value);

create table registry.run_dataset (
  run_id      uuid not null,
  name        text collate "C" not null,
  digest      text collate "C" not null,
  source_type text not null,
  source      text not null,
  schema      text not null,
  profile     text not null,
  tags        jsonb not null,
  primary key (run_id, name, digest)
);

create table registry.logged_model (
  -- MLflow writes m- before it.
  id            uuid primary key,
  project_id    text collate "C" not null,
  experiment_id text collate "C" not null,
  stream        text not null,
  revision      integer not null,
  name          text collate "C" not null,
  model_type    text collate "C" not null,
  source_run_id uuid,
  status        text collate "C" not null check (status in ('LOGGED_MODEL_PENDING', 'LOGGED_MODEL_READY', 'LOGGED_MODEL_UPLOAD_FAILED')),
  artifact_uri  text collate "C" not null,
  params        jsonb not null,
  tags          jsonb not null,
  created_at    timestamptz not null,
  created_by    text not null,
  updated_at    timestamptz not null,
  deleted_at    timestamptz
);
create index logged_model_created on registry.logged_model (project_id, experiment_id, created_at desc, id);
create index logged_model_run on registry.logged_model (source_run_id) where source_run_id is not null;
create index logged_model_tags on registry.logged_model using gin (tags jsonb_path_ops);

-- Files of runs and logged models, whose bytes lie here. The owner is the one or the other.
create table registry.logged_file (
  owner_id   uuid not null,
  path       text collate "C" not null,
  digest     text collate "C" not null,
  size_bytes bigint not null,
  primary key (owner_id, path)
);
-- "Who else has these bytes?", before any are removed.
create index logged_file_digest on registry.logged_file (digest);

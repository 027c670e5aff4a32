-- What monitoring knows of the other services' things: fed by the consumer monitoring.lifecycle.
create table monitoring.endpoint (
  id          uuid primary key,
  project_id  text collate "C" not null,
  name        text not null,
  environment text not null,
  model_id    uuid not null
);

create table monitoring.dataset_version (
  id           uuid primary key,
  project_id   text collate "C" not null,
  digest       text collate "C" not null,
  media_type   text not null,
  label_column text not null,
  split_column text not null,
  splits       json not null,
  columns      json not null
);

-- Baselines never change. Which one is in force is a row for each endpoint.
create table monitoring.baseline (
  id                 uuid primary key,
  project_id         text collate "C" not null,
  endpoint_id        uuid not null,
  model_id           uuid not null,
  dataset_version_id uuid not null,
  dataset_digest     text not null,
  split              text not null,
  row_count          bigint not null,
  features           json not null,
  rule               json not null,
  -- The event's own payload, from which the bins are rebuilt.
  event              json not null,
  activated_at       timestamptz not null,
  revision           integer not null
);

create table monitoring.active_baseline (
  project_id  text collate "C" not null,
  endpoint_id uuid not null,
  baseline_id uuid not null references monitoring.baseline (id),
  primary key (project_id, endpoint_id)
);

create table monitoring.judged_window (
  id             uuid primary key,
  project_id     text collate "C" not null,
  endpoint_id    uuid not null,
  baseline_id    uuid not null,
  number         bigint not null,
  state          text not null,
  row_count      bigint not null,
  completeness   double precision not null,
  first_at       timestamptz not null,
  last_at        timestamptz not null,
  summary_digest text not null,
  rule_version   text not null,
  findings       json not null,
  versions       json not null,
  unique (baseline_id, number)
);
create index judged_window_by_endpoint on monitoring.judged_window (endpoint_id, id);

-- The bytes behind a window's digest: with the baseline's event they give its verdict again.
create table monitoring.summary (
  digest     text collate "C" primary key,
  project_id text collate "C" not null,
  bytes      text not null
);

create table monitoring.alert (
  id               uuid primary key,
  project_id       text collate "C" not null,
  endpoint_id      uuid not null,
  model_id         uuid not null,
  model_version_id uuid not null,
  baseline_id      uuid not null,
  state            text not null,
  critical         boolean not null,
  features         json not null,
  window_ids       json not null,
  findings         json not null,
  raised_at        timestamptz not null,
  cleared_at       timestamptz,
  revision         integer not null
);
create index alert_by_project on monitoring.alert (project_id, id);

create table monitoring.canary (
  rollout_id     uuid primary key,
  project_id     text collate "C" not null,
  endpoint_id    uuid not null,
  state          text not null,
  -- The pure state of the judge: counts, test and verdicts.
  evidence       json not null,
  judgements     json not null,
  correlation_id text not null,
  causation_id   text not null
);
create index canary_running on monitoring.canary (project_id, endpoint_id) where state = 'running';

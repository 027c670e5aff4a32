-- Deployment's read models. All can be dropped and filled again from the ledger.

create table deployment.environment (
  id         uuid primary key,
  project_id text collate "C" not null,
  name       text collate "C" not null,
  class      text not null check (class in ('development', 'staging', 'production')),
  driver     text not null check (driver in ('local')),
  region     text not null,
  created_at timestamptz not null,
  revision   integer not null,
  constraint environment_name unique (project_id, name)
);

create table deployment.endpoint (
  id             uuid primary key,
  project_id     text collate "C" not null,
  -- The model name of the Open Inference Protocol, and one runtime serves all projects: so it is one for all of them.
  name           text collate "C" not null constraint endpoint_name unique,
  environment_id uuid not null,
  environment    text not null,
  model_id       uuid not null,
  created_at     timestamptz not null,
  revision       integer not null
);
create index endpoint_list on deployment.endpoint (project_id, id);

create table deployment.variant (
  id               uuid primary key,
  endpoint_id      uuid not null references deployment.endpoint (id),
  project_id       text collate "C" not null,
  model_version_id uuid not null,
  version          integer not null,
  artefact_digest  text not null,
  files            jsonb not null,
  state            text not null check (state in ('deploying', 'ready', 'failed', 'removed')),
  reason           text,
  -- Per cent of the endpoint's requests, as last observed in force.
  weight           integer not null check (weight between 0 and 100),
  -- It lost a rollout, or was replaced by one: it is taken away once it has no traffic.
  leaving          boolean not null,
  permit_id        uuid,
  decision_id      uuid,
  deployed_at      timestamptz not null,
  -- The event that made it what it is now: cause of what the reconciler does about it.
  cause            jsonb not null
);
create index variant_of_endpoint on deployment.variant (endpoint_id, id);

create table deployment.rollout (
  id                         uuid primary key,
  project_id                 text collate "C" not null,
  endpoint_id                uuid not null,
  model_id                   uuid not null,
  stable_variant_id          uuid not null,
  stable_model_version_id    uuid not null,
  candidate_variant_id       uuid not null,
  candidate_model_version_id uuid not null,
  steps                      jsonb not null,
  minimum_rows               integer not null,
  alpha                      double precision not null,
  state                      text not null check (state in ('running', 'completed', 'rolled-back')),
  step                       integer not null,
  -- Per cent that the candidate should have at this step.
  weight                     integer not null,
  reason                     text,
  evidence                   jsonb not null,
  started_at                 timestamptz not null,
  ended_at                   timestamptz,
  cause                      jsonb not null,
  revision                   integer not null
);
-- One running rollout for each endpoint, whoever asks at the same time.
create unique index rollout_one_running on deployment.rollout (endpoint_id) where state = 'running';
create index rollout_of_endpoint on deployment.rollout (endpoint_id, id);

-- What other services have said, as far as deployment needs it.
create table deployment.model (
  id         uuid primary key,
  project_id text collate "C" not null,
  name       text not null
);

create table deployment.model_version (
  id              uuid primary key,
  project_id      text collate "C" not null,
  model_id        uuid not null,
  version         integer not null,
  artefact_digest text not null,
  files           jsonb not null,
  retired         boolean not null
);

create table deployment.permit (
  id                uuid primary key,
  project_id        text collate "C" not null,
  decision_id       uuid not null,
  gate              text not null,
  model_version_id  uuid not null,
  artefact_digest   text not null,
  environment       text not null,
  environment_class text not null,
  expires_at        timestamptz not null
);

-- Governance's read models. All can be dropped and filled again from the ledger. Each row names its source: the stream
-- and the revision up to which it was read, so that a gate decision can say on what it rests.

create table governance.use_case (
  id               uuid primary key,
  project_id       text collate "C" not null,
  title            text not null,
  objective        text not null,
  kpis             jsonb not null,
  owner            text not null,
  data_availability text not null,
  resources        text not null,
  purpose          text not null,
  risk_tier        text not null,
  ai_act_class     text not null,
  required_metrics jsonb not null,
  state            text not null check (state in ('draft', 'submitted', 'approved', 'rejected')),
  author           text not null,
  drafted_at       timestamptz not null,
  decided_by       text,
  decided_at       timestamptz,
  decision_reason  text,
  stream           text collate "C" not null,
  revision         integer not null
);
create index use_case_list on governance.use_case (project_id, id);

-- For the whole installation: policies are not a project's own.
create table governance.policy_set (
  id           uuid primary key,
  name         text not null,
  version      text not null,
  hash         text not null,
  policies     jsonb not null,
  published_at timestamptz not null,
  stream       text collate "C" not null,
  revision     integer not null,
  unique (name, version)
);

create table governance.approval_case (
  id                uuid primary key,
  project_id        text collate "C" not null,
  gate              text not null,
  model_version_id  uuid not null,
  model_id          uuid not null,
  version           integer not null,
  artefact_digest   text not null,
  use_case_id       uuid not null,
  environment       text not null,
  environment_class text not null,
  subject_hash      text not null,
  requested_by      text not null,
  contributors      jsonb not null,
  opened_at         timestamptz not null,
  stream            text collate "C" not null,
  revision          integer not null
);
create index approval_case_version on governance.approval_case (model_version_id);

-- The last word of each person in each role.
create table governance.approval (
  approval_case_id uuid not null references governance.approval_case (id),
  role             text not null,
  approver         text not null,
  approver_kind    text not null,
  decision         text not null check (decision in ('approved', 'refused')),
  given_at         timestamptz not null,
  expires_at       timestamptz,
  reason           text not null,
  primary key (approval_case_id, role, approver)
);

create table governance.decision (
  id                 uuid primary key,
  project_id         text collate "C" not null,
  gate               text not null,
  model_version_id   uuid not null,
  model_id           uuid not null,
  version            integer not null,
  environment        text not null,
  subject_hash       text not null,
  requested_by       text not null,
  outcome            text not null check (outcome in ('allow', 'deny')),
  results            jsonb not null,
  -- text: the bytes that were hashed.
  input              text not null,
  input_hash         text not null,
  policy_set         text not null,
  policy_set_version text not null,
  policy_set_hash    text not null,
  engine             text not null,
  positions          jsonb not null,
  permit_id          uuid,
  permit_expires_at  timestamptz,
  decided_at         timestamptz not null,
  stream             text collate "C" not null,
  revision           integer not null
);
create index decision_list on governance.decision (project_id, id);
create index decision_version on governance.decision (model_version_id, id);

create table governance.incident (
  id               uuid primary key,
  project_id       text collate "C" not null,
  title            text not null,
  severity         text not null,
  state            text not null check (state in ('open', 'closed')),
  model_id         uuid not null,
  model_version_id uuid not null,
  endpoint_id      uuid not null,
  cause_id         text not null,
  description      text not null,
  reported_at      timestamptz not null,
  closed_at        timestamptz,
  closed_by        text,
  root_cause       text,
  lesson           text,
  stream           text collate "C" not null,
  revision         integer not null
);
create index incident_list on governance.incident (project_id, id);
create index incident_model on governance.incident (model_id, id);

create table governance.retraining_request (
  id               uuid primary key,
  project_id       text collate "C" not null,
  incident_id      uuid not null,
  model_id         uuid not null,
  model_version_id uuid not null,
  drifted_features jsonb not null,
  requested_at     timestamptz not null
);
create index retraining_request_list on governance.retraining_request (project_id, id);

create table governance.retirement (
  id               uuid primary key,
  project_id       text collate "C" not null,
  state            text not null check (state in ('proposed', 'approved', 'completed')),
  model_version_id uuid not null,
  model_id         uuid not null,
  version          integer not null,
  criterion        text not null,
  lesson           text not null,
  proposed_by      text not null,
  approved_by      text,
  archive_location text,
  stream           text collate "C" not null,
  revision         integer not null
);

-- What governance has heard from the registry.

create table governance.model_version (
  id                 uuid primary key,
  project_id         text collate "C" not null,
  model_id           uuid not null,
  model_name         text not null,
  version            integer not null,
  digest             text not null,
  use_case_id        uuid not null,
  dataset_version_id uuid not null,
  dataset_digest     text not null,
  contributors       jsonb not null,
  archive_location   text,
  -- Set when the registry retired it, on this retirement.
  retirement_id      uuid,
  stream             text collate "C" not null,
  revision           integer not null
);

create table governance.evaluation (
  id                 uuid primary key,
  project_id         text collate "C" not null,
  model_version_id   uuid not null,
  digest             text not null,
  dataset_version_id uuid not null,
  split              text not null,
  row_count          integer not null,
  metrics            jsonb not null,
  groups             jsonb not null,
  evaluated_at       timestamptz not null,
  stream             text collate "C" not null,
  revision           integer not null
);
create index evaluation_version on governance.evaluation (model_version_id, id);

create table governance.dataset_version (
  id                uuid primary key,
  project_id        text collate "C" not null,
  name              text not null,
  version           integer not null,
  digest            text not null,
  pii               text not null,
  lawful_basis      text not null,
  allowed_purposes  jsonb not null,
  residency         text not null,
  retention_until   text not null,
  protected_columns jsonb not null,
  stream            text collate "C" not null,
  revision          integer not null
);

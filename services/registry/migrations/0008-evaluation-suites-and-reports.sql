-- How versions are evaluated: one row for where a suite stands, one for each of its revisions.
create table registry.evaluation_suite (
  id         uuid primary key,
  project_id text collate "C" not null,
  name       text not null,
  stream     text not null,
  revision   integer not null,
  stage      text not null check (stage in ('draft', 'published')),
  -- The newest revision, and the newest that can be run; 0 while there is none.
  number     integer not null,
  published  integer not null default 0,
  updated_at timestamptz not null,
  constraint evaluation_suite_name_once unique (project_id, name)
);
create index evaluation_suite_page on registry.evaluation_suite (project_id, id);

create table registry.evaluation_suite_revision (
  suite_id     uuid not null,
  number       integer not null,
  project_id   text collate "C" not null,
  content      jsonb not null,
  written_by   text not null,
  written_at   timestamptz not null,
  published_by text,
  published_at timestamptz,
  primary key (suite_id, number)
);

-- What others measured stands beside what we measured, told apart in every row. Data of a report may not be registered here.
alter table registry.evaluation alter column dataset_version_id drop not null;
alter table registry.evaluation
  add column source              text not null default 'measured' check (source in ('measured', 'reported')),
  add column task                text not null default 'binary-classification',
  add column suite               jsonb,
  add column slices              jsonb not null default '[]',
  add column report              jsonb,
  add column invalidated_at      timestamptz,
  add column invalidated_by      text,
  add column invalidation_cause  text,
  -- In a person's words; sealed, where there is a keyring.
  add column invalidated_because text;

-- Versions that are somebody else's models, and what a version was made from.
alter table registry.model_version
  add column external     jsonb,
  add column derived_from jsonb not null default '[]';
-- What was made from a version is looked up from the base.
create index model_version_derived_from on registry.model_version using gin (derived_from jsonb_path_ops);

-- Guardrail policies and tools: a row for each, and one for each revision. A published revision never changes.
create table registry.guardrail (
  id            uuid primary key,
  project_id    text collate "C" not null,
  name          text collate "C" not null,
  stream        text not null,
  revision      integer not null,
  registered_at timestamptz not null,
  registered_by text not null,
  updated_at    timestamptz not null,
  constraint guardrail_name_once unique (project_id, name)
);
create table registry.guardrail_revision (
  guardrail_id uuid not null,
  number       integer not null,
  project_id   text collate "C" not null,
  state        text not null check (state in ('draft', 'active', 'deprecated', 'retired')),
  content      jsonb not null,
  digest       text not null,
  -- Why it was deprecated or retired; sealed, where there is a keyring.
  reason       text,
  drafted_by   text not null,
  updated_at   timestamptz not null,
  primary key (guardrail_id, number)
);
create table registry.tool (like registry.guardrail including defaults including constraints);
alter table registry.tool add primary key (id), add constraint tool_name_once unique (project_id, name);
create table registry.tool_revision (like registry.guardrail_revision including defaults including constraints);
alter table registry.tool_revision rename column guardrail_id to tool_id;
alter table registry.tool_revision add primary key (tool_id, number);

create table registry.ai_system (
  id            uuid primary key,
  project_id    text collate "C" not null,
  name          text collate "C" not null,
  stream        text not null,
  revision      integer not null,
  description   text not null,
  use_case_id   uuid not null,
  registered_at timestamptz not null,
  registered_by text not null,
  constraint ai_system_name_once unique (project_id, name)
);
create table registry.ai_system_version (
  id             uuid primary key,
  project_id     text collate "C" not null,
  ai_system_id   uuid not null,
  ai_system_name text not null,
  version        integer not null,
  stream         text not null,
  revision       integer not null,
  state          text not null check (state in ('composed', 'deprecated', 'retired')),
  components     jsonb not null,
  parameters     jsonb not null,
  digest         text not null,
  description    text not null,
  use_case_id    uuid not null,
  contributors   jsonb not null,
  -- Why it was deprecated or retired; sealed, where there is a keyring.
  reason         text,
  composed_at    timestamptz not null,
  composed_by    text not null,
  updated_at     timestamptz not null,
  unique (ai_system_id, version)
);
-- The same composition is composed once, while it is in use.
create unique index ai_system_version_composition_once on registry.ai_system_version (ai_system_id, digest) where state <> 'retired';

-- Which versions of systems are made of a component: asked before that is deleted.
create table registry.ai_system_pin (
  ai_system_version_id uuid not null,
  position             integer not null,
  kind                 text not null,
  component_id         uuid not null,
  component_revision   integer not null,
  primary key (ai_system_version_id, position)
);
create index ai_system_pin_component on registry.ai_system_pin (kind, component_id, component_revision);

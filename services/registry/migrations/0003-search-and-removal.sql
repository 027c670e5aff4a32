-- Models and versions can be renamed, described, tagged, deprecated, deleted and searched. What is deleted keeps its row:
-- it is hidden, and can come back. The columns have defaults because the service before this one still writes while it ends.

alter table registry.model
  add column state       text not null default 'active' check (state in ('active', 'deprecated')),
  add column deprecation jsonb,
  add column tags        jsonb not null default '{}',
  add column updated_at  timestamptz not null default now(),
  add column deleted_at  timestamptz,
  add column deleted_by  text;
update registry.model set updated_at = registered_at;

-- A name is free again when its model is deleted.
alter table registry.model drop constraint model_name_once;
create unique index model_name_once on registry.model (project_id, name) where deleted_at is null;
create index model_updated on registry.model (project_id, updated_at desc, id) where deleted_at is null;
-- "The models with this tag": containment is all that is asked of it.
create index model_tags on registry.model using gin (tags jsonb_path_ops);

-- A row for each alias that names a version, is protected, or both.
create table registry.model_alias (
  model_id         uuid not null,
  alias            text collate "C" not null,
  version          integer,
  model_version_id uuid,
  allowed          jsonb,
  primary key (model_id, alias),
  check ((version is null) = (model_version_id is null)),
  check (model_version_id is not null or allowed is not null)
);
create index model_alias_version on registry.model_alias (model_version_id);
create index model_alias_name on registry.model_alias (alias);

alter table registry.model_version
  add column artefact_source text collate "C" not null default '',
  add column run_id          text collate "C" not null default '',
  add column run_link        text not null default '',
  add column deprecation     jsonb,
  add column tags            jsonb not null default '{}',
  add column updated_at      timestamptz not null default now(),
  add column deleted_at      timestamptz,
  add column deleted_by      text,
  add column purged_at       timestamptz,
  drop constraint model_version_state_check,
  add constraint model_version_state_check check (state in ('registered', 'deprecated', 'retired', 'purged'));
update registry.model_version set updated_at = registered_at;

-- The artefact of a deleted version may be registered anew.
alter table registry.model_version drop constraint model_version_artefact_once;
create unique index model_version_artefact_once on registry.model_version (model_id, artefact_digest) where deleted_at is null;
-- The newest version of a model in each state: what every answer about a model shows.
create index model_version_newest on registry.model_version (model_id, state, version desc) where deleted_at is null;
create index model_version_updated on registry.model_version (model_id, updated_at desc, version desc) where deleted_at is null;
create index model_version_project on registry.model_version (project_id, id) where deleted_at is null;
create index model_version_project_updated on registry.model_version (project_id, updated_at desc) where deleted_at is null;
create index model_version_run on registry.model_version (project_id, run_id) where run_id <> '';
create index model_version_source on registry.model_version (project_id, artefact_source) where artefact_source <> '';
create index model_version_tags on registry.model_version using gin (tags jsonb_path_ops);

-- "Who else has these bytes?" is now asked of every version that was not purged: one that is retired or deleted has them, too.
drop index registry.model_version_files;
create index model_version_files on registry.model_version using gin (files jsonb_path_ops) where state <> 'purged';
create index dataset_version_bytes on registry.dataset_version (digest);

-- So that a refusal can say which endpoint serves. Empty for shifts from before; a rebuild fills them in.
alter table registry.traffic
  add column endpoint_name text not null default '',
  add column environment   text not null default '';

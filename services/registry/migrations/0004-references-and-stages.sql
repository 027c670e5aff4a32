-- MLflow registers a model without a use case, and a version by where its artefact lies: nobody here has its bytes, its data or
-- its code. What is not known is null or empty, never made up.
alter table registry.model alter column use_case_id drop not null;
alter table registry.model_version
  alter column dataset_version_id drop not null,
  alter column use_case_id drop not null,
  add column stage             text not null default 'None' check (stage in ('None', 'Staging', 'Production', 'Archived')),
  -- Where the bytes lie when they are not here; empty when they are.
  add column artefact_location text not null default '',
  add column copied_from       uuid,
  add column logged_model_id   text not null default '';

-- Versions without bytes are never the same artefact.
drop index registry.model_version_artefact_once;
create unique index model_version_artefact_once on registry.model_version (model_id, artefact_digest) where deleted_at is null and artefact_digest <> '';
-- The newest version of a model in each of MLflow's stages: what each of its answers about a model shows.
create index model_version_stage on registry.model_version (model_id, stage, version desc) where deleted_at is null;

-- Whom a project believes when somebody signs a model. One row for each project, so that a registration can hold it
-- still (for share) while it verifies.
create table registry.signing_trust (
  project_id text collate "C" primary key,
  stream     text not null,
  revision   integer not null,
  required   boolean not null,
  keys       jsonb not null
);

-- The signature with which a version was registered.
create table registry.model_version_signature (
  model_version_id uuid primary key,
  project_id       text collate "C" not null,
  artefact_digest  text not null,
  bundle_digest    text not null,
  bundle_path      text not null,
  method           text not null,
  key_id           text not null,
  signer           text not null,
  subject_digest   text not null,
  verified_at      timestamptz not null
);

-- The card of a model version: one row for where it stands, one for each of its revisions.
create table registry.model_card (
  model_version_id uuid primary key,
  project_id       text collate "C" not null,
  model_id         uuid not null,
  stream           text not null,
  revision         integer not null,
  stage            text not null check (stage in ('draft', 'in-review', 'approved', 'published')),
  -- The newest revision, and the one that everybody sees; 0 while there is none.
  card_revision    integer not null,
  published        integer not null default 0,
  reviewer         text,
  -- Why the reviewer returned it; sealed, where there is a keyring.
  returned_because text,
  updated_at       timestamptz not null
);

create table registry.model_card_revision (
  model_version_id uuid not null,
  card_revision    integer not null,
  project_id       text collate "C" not null,
  content          jsonb not null,
  imported_from    text not null,
  written_by       text not null,
  written_at       timestamptz not null,
  published_at     timestamptz,
  superseded_at    timestamptz,
  primary key (model_version_id, card_revision)
);

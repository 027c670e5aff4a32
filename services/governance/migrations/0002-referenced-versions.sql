-- Versions that the registry knows by a reference only. No gate can judge them: there is no artefact, no data and no code to judge.
create table governance.referenced_version (
  id         uuid primary key,
  project_id text collate "C" not null,
  model_name text not null,
  version    integer not null,
  location   text not null
);

-- Data that the registry put into quarantine, how often, and which data were made of which.
alter table governance.dataset_version
  add column quarantined  boolean not null default false,
  add column quarantines  integer not null default 0,
  add column derived_from jsonb not null default '[]';

-- Who measured, and whether it was taken back: only what Vitae measured and nobody took back is evidence for the gate.
alter table governance.evaluation alter column dataset_version_id drop not null;
alter table governance.evaluation
  add column source             text not null default 'measured' check (source in ('measured', 'reported')),
  add column invalidated_at     timestamptz,
  add column invalidation_cause text;

-- Of which project a row is, where it does not say so itself: ledger.separate_projects reads it.
comment on table monitoring.inference_mark is 'project: none, because it says how far a stream of all projects was read';
comment on table monitoring.parked_inference is 'project: none, because it holds places in a stream of all projects, and what was wrong there';
comment on table monitoring.open_window is 'project: by baseline_id of baseline';

-- A variant's id and an event's id are known to others than its project: whoever may log there must not meet the exchanges of another one.
alter table monitoring.exchange
  drop constraint exchange_pkey,
  add primary key (project_id, variant_id, ce_id);

-- What the registry has deleted or purged does not begin to serve. Defaults, because the service before this one still writes
-- while it ends.
alter table deployment.model add column deleted boolean not null default false;
alter table deployment.model_version
  add column deleted boolean not null default false,
  add column purged  boolean not null default false;

-- What was deleted before is behind the bookmark: it is read here, once, stream by stream.
update deployment.model m set deleted = true
  where 'vitae.registry.v1.ModelDeleted' = (
    select e.type from ledger.event e
    where e.stream = 'registry.Model-' || m.id and e.type in ('vitae.registry.v1.ModelDeleted', 'vitae.registry.v1.ModelRestored') order by e.revision desc limit 1);
update deployment.model_version v set deleted = true
  where 'vitae.registry.v1.ModelVersionDeleted' = (
    select e.type from ledger.event e
    where e.stream = 'registry.ModelVersion-' || v.id and e.type in ('vitae.registry.v1.ModelVersionDeleted', 'vitae.registry.v1.ModelVersionRestored') order by e.revision desc limit 1);
update deployment.model_version v set purged = true
  where exists (select from ledger.event e where e.stream = 'registry.ModelVersion-' || v.id and e.type = 'vitae.registry.v1.ModelVersionPurged');

-- Who may do what. Roles belong to the cluster, everything else here to this database; both may be there already, and
-- several databases of one cluster may come here at the same moment.
--
--   vitae_owner      owns schemas, tables and functions; runs migrations; nobody's role at run time
--   vitae_<service>  appends to its own streams through the functions, reads the ledger, writes its own schema
--   vitae_auditor    reads
--
-- They are groups without login: whoever installs makes logins and puts them in (`create role … login in role vitae_registry`).


-- ## Nobody changes what was appended
-- Puts the triggers on a table and on its partitions. For a partition that is made later the rows are guarded by
-- themselves (PostgreSQL copies row triggers), TRUNCATE is not: whoever adds one MUST call this again. A spec looks.
-- `always`: they fire under session_replication_role = replica, too.
create function ledger.protect(p_table regclass) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  t regclass;
begin
  for t in select p_table union select p.relid from pg_partition_tree(p_table) p loop
    execute format('create or replace trigger append_only before update or delete or truncate on %s for each statement execute function ledger.refuse_change()', t);
    execute format('alter table only %s enable always trigger append_only', t);
  end loop;
  if (select c.relkind = 'p' from pg_class c where c.oid = p_table) then
    execute format('create or replace trigger append_only_row before update or delete on %s for each row execute function ledger.refuse_change()', p_table);
    execute format('alter table %s enable always trigger append_only_row', p_table);
  end if;
end $$;

do $$
declare
  t record;
begin
  for t in select g.tgname, g.tgrelid::regclass as tab from pg_trigger g where g.tgfoid = 'ledger.refuse_change'::regproc loop
    execute format('drop trigger %I on %s', t.tgname, t.tab);
    perform ledger.protect(t.tab);
  end loop;
end $$;

-- ## The functions run as the owner, and find no names but the catalog's
-- pg_temp has to be named, as the last: where it is not, it is looked through first, and a caller's temporary
-- `pg_namespace` or `timestamptz` would be believed, or run, with the owner's rights.
do $$
declare
  f regprocedure;
begin
  for f in select p.oid from pg_proc p where p.pronamespace = 'ledger'::regnamespace and p.prosecdef loop
    execute format('alter function %s set search_path = pg_catalog, pg_temp', f);
  end loop;
end $$;

-- ## What each role may do in one schema
-- The services and the schemas of their tables. A new one: a migration replaces this function; then whoever may make
-- roles calls separate_roles again. Until then it has no rights, and nobody else has fewer.
create function ledger.services() returns table (service name, schema name) language sql immutable set search_path = pg_catalog, pg_temp as $$ values
  ('registry', 'registry'), ('governance', 'governance'), ('deployment', 'deployment'), ('monitoring', 'monitoring'), ('ledger', 'webhooks')
$$;

-- Takes everything away and gives what follows, so that this function is the whole truth. Runs after each migration of a
-- schema. Does nothing where the owner is still who connects for everything (see separate_roles).
create function ledger.grant_rights(p_schema name) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  services text := (select string_agg('vitae_' || s.service, ', ') from ledger.services() s where to_regrole('vitae_' || s.service) is not null);
  own name := (select 'vitae_' || s.service from ledger.services() s where s.schema = p_schema and to_regrole('vitae_' || s.service) is not null);
  s record;
  f regprocedure;
begin
  if not exists (select from pg_namespace n where n.nspname = p_schema and n.nspowner = to_regrole('vitae_owner')) then
    return;
  end if;
  execute format('revoke all on schema %I from public, vitae_auditor, %s', p_schema, services);
  execute format('revoke all on all tables in schema %I from public, vitae_auditor, %s', p_schema, services);
  execute format('revoke all on all sequences in schema %I from public, vitae_auditor, %s', p_schema, services);
  execute format('revoke all on all routines in schema %I from public, vitae_auditor, %s', p_schema, services);

  if p_schema = 'ledger' then
    execute format('grant usage on schema ledger to vitae_auditor, %s', services);
    grant select on all tables in schema ledger to vitae_auditor, vitae_ledger;
    execute format(
      'grant select on ledger.event, ledger.entry, ledger.entry_subject, ledger.batch, ledger.head, ledger.unsequenced, ledger.origin, ledger.migration to %s', services);
    grant insert on ledger.tile, ledger.checkpoint, ledger.cosignature to vitae_ledger;
    for f in select p.oid from pg_proc p where p.pronamespace = 'ledger'::regnamespace and p.proname in ('append', 'append_next', 'append_batch', 'index_at') loop
      execute format('grant execute on function %s to %s', f, services);
    end loop;
    grant execute on function ledger.sequence, ledger.sequence_entries to vitae_ledger;
    if to_regclass('ledger.noted') is not null then -- from the next migration on
      execute format('grant select on ledger.noted, ledger.concern to %s', services);
      execute format('grant execute on function ledger.not_noted to vitae_auditor, %s', services);
      grant execute on function ledger.note_entries to vitae_ledger;
    end if;
    grant maintain on ledger.unsequenced to vitae_ledger; -- it sweeps the inbox that it empties
    grant execute on function ledger.index_at to vitae_auditor;

  elsif p_schema = 'messaging' and to_regclass('messaging.parked') is not null then
    execute format('grant usage on schema messaging to vitae_auditor, %s', services);
    grant select on all tables in schema messaging to vitae_auditor;
    execute format('grant select on messaging.migration to %s', services);
    execute format('grant select, insert, update on messaging.bookmark to %s', services);
    execute format('grant select, insert on messaging.parked to %s', services);
    -- A bookmark moved by somebody else would be events never taken: each service sees and moves its own.
    for s in
      select v.service, t.name as tab from ledger.services() v cross join (values ('bookmark'), ('parked')) as t (name)
      where to_regrole('vitae_' || v.service) is not null
    loop
      execute format('alter table messaging.%I enable row level security', s.tab);
      execute format('drop policy if exists %I on messaging.%I', s.service, s.tab);
      execute format('create policy %I on messaging.%I to %I using (starts_with(consumer, %L))', s.service, s.tab, 'vitae_' || s.service, s.service || '.');
      execute format('drop policy if exists auditor on messaging.%I', s.tab);
      execute format('create policy auditor on messaging.%I for select to vitae_auditor using (true)', s.tab);
    end loop;

  elsif own is not null then
    execute format('grant usage on schema %I to %I', p_schema, own);
    execute format('grant select, insert, update, delete on all tables in schema %I to %I', p_schema, own);
    execute format('revoke insert, update, delete on %I.migration from %I', p_schema, own);
    execute format('grant usage on all sequences in schema %I to %I', p_schema, own);
    execute format('grant execute on all routines in schema %I to %I', p_schema, own);
    if p_schema <> 'webhooks' then -- the secrets that sign deliveries are nobody else's
      execute format('grant usage on schema %I to vitae_auditor', p_schema);
      execute format('grant select on all tables in schema %I to vitae_auditor', p_schema);
    end if;
  end if;
end $$;

-- ## From one role for everything to one for each
-- Makes the roles where they are missing, hands everything over to vitae_owner and grants what each may. May be called
-- again. False when whoever calls may not do that: then all goes on under his role, guarded by the triggers alone.
create function ledger.separate_roles() returns boolean language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  s record;
  o record;
  r name;
begin
  for r in
    select 'vitae_owner' union all select 'vitae_' || v.service from ledger.services() v union all select 'vitae_auditor'
  loop
    continue when to_regrole(r) is not null;
    begin
      execute format('create role %I nologin', r);
    exception when duplicate_object or unique_violation then
      null; -- another database of this cluster was quicker
    end;
  end loop;
  if not pg_has_role(current_user, 'vitae_owner', 'set') then
    execute format('grant vitae_owner to %I with set true, inherit true', current_user);
  end if;
  execute format('grant create on database %I to vitae_owner', current_database());
  alter default privileges for role vitae_owner revoke execute on routines from public;
  for s in
    select n.oid, n.nspname as name from pg_namespace n
    where n.nspname in ('ledger', 'messaging') or n.nspname in (select v.schema from ledger.services() v)
  loop
    execute format('alter schema %I owner to vitae_owner', s.name);
    for o in select c.oid::regclass as name from pg_class c
      where c.relnamespace = s.oid and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relowner <> to_regrole('vitae_owner')
        and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i') and c.relkind = 'S') loop
      execute format('alter table %s owner to vitae_owner', o.name); -- a sequence or a view, too
    end loop;
    for o in select p.oid::regprocedure as name from pg_proc p where p.pronamespace = s.oid and p.proowner <> to_regrole('vitae_owner') loop
      execute format('alter routine %s owner to vitae_owner', o.name);
    end loop;
    perform ledger.grant_rights(s.name);
  end loop;
  return true;
exception when insufficient_privilege then
  raise notice 'the services share one database role: %', sqlerrm;
  return false;
end $$;

select ledger.separate_roles();

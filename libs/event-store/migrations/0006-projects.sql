-- Row-level security by project: the second wall. A connection sees the rows of the projects that its setting
-- `vitae.projects` names (joined by commas; `*`: all of them), and can write no others. Not set, it sees none.
-- The setting says for whom a service is at work just now, and the service sets it: the wall holds what a statement
-- forgot to ask for, not a login in wrong hands. What that may do is in 0004-roles.sql.

-- ## Every table of a schema behind the wall
-- What a table says of itself decides:
--
--   a column project_id                              the row is of that project
--   comment 'project: by run_id of run'              it is of the project of the row of `run` whose primary key begins so;
--   comment 'project: by owner_id of run or model'   ... of the first or of the second
--   comment 'project: none, because …'               it is of no project, and everybody who may read it sees all of it
--
-- A table that says nothing shows nothing. Runs after each migration of a schema and after an exchange of its tables, as
-- part of ledger.grant_rights. Touches only what is not as it should be, for each change waits for the table.
--
-- `(select …)` is worked out once for a statement and not for each row. FORCE: where one login is owner and service in
-- one, it is held as well. Where the owner is a role of his own, he sees everything: nobody logs in as him, and the
-- functions of the ledger run as him.
create function ledger.separate_projects(p_schema name) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  everything constant text := $sql$(select current_setting('vitae.projects', true) = '*')$sql$;
  seen constant text := $sql$(select string_to_array(current_setting('vitae.projects', true), ','))$sql$;
  owner constant oid := (select n.nspowner from pg_namespace n where n.nspname = p_schema);
  t record;
  v regclass;
  parent record;
  rule text;
  wanted oid[];
  made boolean;
begin
  for t in
    select c.oid, c.oid::regclass as name, c.relrowsecurity and c.relforcerowsecurity as forced, coalesce(obj_description(c.oid, 'pg_class'), '') as said,
      exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'project_id' and not a.attisdropped) as has_project
    from pg_class c
    where c.relnamespace = p_schema::regnamespace and c.relkind in ('r', 'p') and c.relname <> 'migration'
      and (p_schema <> 'ledger' or c.relname = 'event' or c.oid in (select p.relid from pg_partition_tree('ledger.event') p)) -- the others hold numbers, names and hashes; a spec says of each why
    order by c.oid
  loop
    if not t.has_project and t.said like 'project: none, because %' then
      if t.forced then
        execute format('alter table %s disable row level security, no force row level security', t.name);
      end if;
      continue;
    end if;
    if not t.forced then
      execute format('alter table %s enable row level security, force row level security', t.name);
    end if;

    -- 1. Who is at work for a project.
    rule := null;
    wanted := '{}';
    if t.has_project then
      rule := format('%s or project_id = any (%s::text[])', everything, seen);
    elsif t.said ~ '^project: by \w+ of \w+( or \w+)*$' then
      rule := everything;
      for parent in
        select p.name as name, (regexp_match(t.said, 'by (\w+) of'))[1] as key,
          to_regclass(format('%I.%I', p_schema, p.name)) as oid,
          (select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
           where i.indisprimary and i.indrelid = to_regclass(format('%I.%I', p_schema, p.name))) as id
        from regexp_split_to_table((regexp_match(t.said, ' of (.*)$'))[1], ' or ') as p (name)
      loop
        wanted := wanted || parent.oid::oid;
        -- Not `exists`, for which the planner reads all of the other table into a hash.
        rule := format('%s or (select true from %s p where p.%I = %s.%I limit 1)', rule, parent.oid, parent.id, t.name, parent.key);
      end loop;
    end if;
    -- Through an exchange of tables a policy goes on asking the one that was replaced.
    made := exists (
      select from pg_policy y where y.polrelid = t.oid and y.polname = 'projects' and rule is not null
        and wanted <@ array(select d.refobjid from pg_depend d where d.classid = 'pg_policy'::regclass and d.objid = y.oid and d.refclassid = 'pg_class'::regclass)
    );
    if not made then
      execute format('drop policy if exists projects on %s', t.name);
      if rule is not null then
        execute format('create policy projects on %s using (%s)', t.name, rule);
      end if;
    end if;

    -- 2. Who is not, and sees everything.
    if owner = to_regrole('vitae_owner') and not exists (select from pg_policy y where y.polrelid = t.oid and y.polname = 'owner') then
      if p_schema = 'ledger' then
        -- A service appends as the owner, through his functions, and yet only for the projects that it is at work for.
        execute format('create policy owner on %s for select to vitae_owner using (true)', t.name);
        execute format($sql$create policy owner_himself on %s for insert to vitae_owner with check ((select pg_has_role(session_user, current_user, 'member')))$sql$, t.name);
      else
        execute format('create policy owner on %s to vitae_owner using (true)', t.name);
      end if;
    end if;
    if to_regrole('vitae_auditor') is not null and not exists (select from pg_policy y where y.polrelid = t.oid and y.polname = 'auditor') then
      execute format('create policy auditor on %s for select to vitae_auditor using (true)', t.name);
    end if;
  end loop;

  -- A view asks with the rights of its owner unless it is told not to.
  for v in
    select c.oid from pg_class c
    where c.relnamespace = p_schema::regnamespace and c.relkind = 'v' and not coalesce('security_invoker=true' = any (c.reloptions), false)
  loop
    execute format('alter view %s set (security_invoker = true)', v);
  end loop;
end $$;

-- A condition of the wall is tested before any that could tell a row by an error, so PostgreSQL looks for no row by an
-- index over such a one. Of those that we have, that is `jsonb @> jsonb`: it tells nothing, but only a superuser may say so.
-- Where nobody is one, everything holds, and a search by tags reads all that a project has. Called by whoever migrates,
-- as who he is. Lost in a dump, as everything said of the catalog's own functions.
create function ledger.keep_indexes_in_use() returns boolean language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if (select r.rolsuper from pg_roles r where r.rolname = current_user) and not (select p.proleakproof from pg_proc p where p.oid = 'jsonb_contains(jsonb, jsonb)'::regprocedure) then
    alter function pg_catalog.jsonb_contains(jsonb, jsonb) leakproof;
  end if;
  return (select p.proleakproof from pg_proc p where p.oid = 'jsonb_contains(jsonb, jsonb)'::regprocedure);
end $$;

-- Rights and wall are set together, by whoever set the rights until now.
alter function ledger.grant_rights(name) rename to grant_role_rights;
create function ledger.grant_rights(p_schema name) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  part record;
begin
  if p_schema = 'ledger' or p_schema in (select s.schema from ledger.services() s) then
    perform ledger.separate_projects(p_schema);
  end if;
  perform ledger.grant_role_rights(p_schema);
  -- What may be done is asked of the table that was named: a partition is nobody's but the whole's.
  for part in
    select c.oid::regclass as name, a.grantee::regrole as role from pg_class c, aclexplode(c.relacl) a
    where c.relnamespace = p_schema::regnamespace and c.relispartition and a.grantee not in (0, c.relowner) group by 1, 2
  loop
    execute format('revoke all on %s from %s', part.name, part.role);
  end loop;
end $$;

-- Answers the same whoever asks: what a connection sees is no reason to find another place. Where the owner is a role of
-- his own he sees everything anyway; this is for where he is not.
create or replace function ledger.index_at(p_at timestamptz) returns bigint language plpgsql stable security definer
set search_path = pg_catalog, pg_temp as $$
declare
  low bigint := -1;
  high bigint := (select h.next_index from ledger.head h);
  middle bigint;
  found bigint;
  asked_for text := coalesce(current_setting('vitae.projects', true), '');
begin
  perform set_config('vitae.projects', '*', true);
  while high - low > 1 loop
    middle := (low + high) / 2;
    if (select e.recorded_at <= p_at from ledger.entry n join ledger.event e on e.seq = n.seq where n.index = middle) then
      low := middle;
    else
      high := middle;
    end if;
  end loop;
  found := coalesce((
    select max(n.index) from ledger.entry n join ledger.event e on e.seq = n.seq
    where n.index > low and n.index <= low + 1000 and e.recorded_at <= p_at
  ), low);
  perform set_config('vitae.projects', asked_for, true);
  return found;
end $$;

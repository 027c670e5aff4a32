-- Who people are, and the tokens that they give to machines. Ordinary, mutable data: the ledger holds pseudonyms, and what
-- they stand for is only here, where it can be erased. No service reads these tables; each calls the functions that it needs.

-- One row a person; a pseudonym in events stays a stable stranger when its row is erased.
create table access.person (
  id         text collate "C" primary key check (id <> ''),
  name       text not null,
  mail       text not null,
  first_seen timestamptz not null default now(),
  erased_at  timestamptz,
  constraint erased_is_empty check (erased_at is null or (name = '' and mail = ''))
);

-- Which account at which issuer is which person. A person may have several.
create table access.account (
  issuer    text collate "C" not null check (length(issuer) between 1 and 1024),
  subject   text collate "C" not null check (length(subject) between 1 and 1024),
  -- Deferred: the account is claimed first, and whoever wins it makes the person.
  person_id text collate "C" not null references access.person deferrable initially deferred,
  primary key (issuer, subject)
);
create index account_person on access.account (person_id);

-- A token is made and ended by events; this row has what an event must not have (the hash) and what changes too often (last used).
create table access.api_token (
  id           text collate "C" primary key,
  name         text not null,
  owner        text collate "C" not null,
  projects     text[] not null,
  permissions  text[] not null,
  -- SHA-256 of 256 random bits. A slow hash is for what people choose; these nobody guesses, and each request is checked.
  secret_hash  bytea not null check (length(secret_hash) = 32),
  created_at   timestamptz not null,
  expires_at   timestamptz not null,
  revoked_at   timestamptz,
  last_used_at timestamptz
);
create index api_token_owner on access.api_token (owner, id);

-- How often somebody has asked within the running minute, over all replicas of all services. Worth nothing after a crash, hence
-- unlogged. The columns are those of the library that counts.
create unlogged table access.rate (
  key    varchar(255) primary key,
  points integer not null default 0,
  expire bigint
);

-- 244 random bits, hashed to 128. The subject is not used: it is a parameter so that a database of specs can put a function
-- here that answers it, and specs can say who without a look into a table.
create function access.new_pseudonym(p_subject text) returns text language sql volatile set search_path = pg_catalog, pg_temp as
$$ select 'psn_' || left(encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex'), 32) $$;

-- The pseudonym of an account; made at first sight. Name and mail follow what the issuer says. An account of somebody who
-- was erased is not known any more, so whoever comes back with it is a new person. Wants READ COMMITTED.
create function access.pseudonym_of(p_issuer text, p_subject text, p_name text, p_mail text) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  known record;
  made text;
begin
  select p.id, p.name, p.mail into known
  from access.account a join access.person p on p.id = a.person_id
  where a.issuer = p_issuer and a.subject = p_subject;
  if not found then
    made := access.new_pseudonym(p_subject);
    -- Two first logins at once: the second waits here until the first is committed, and then finds it.
    insert into access.account (issuer, subject, person_id) values (p_issuer, p_subject, made) on conflict do nothing;
    if found then
      insert into access.person (id, name, mail) values (made, coalesce(p_name, ''), coalesce(p_mail, ''));
      return made;
    end if;
    select p.id, p.name, p.mail into strict known
    from access.account a join access.person p on p.id = a.person_id
    where a.issuer = p_issuer and a.subject = p_subject;
  end if;
  if known.name <> coalesce(p_name, '') or known.mail <> coalesce(p_mail, '') then
    -- Not of a person who is being erased at this moment.
    update access.person set name = coalesce(p_name, ''), mail = coalesce(p_mail, '') where id = known.id and erased_at is null;
  end if;
  return known.id;
end $$;

-- Takes name, mail and accounts of a person away. False: there is no such person, or they are gone already.
create function access.erase_person(p_person text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update access.person set name = '', mail = '', erased_at = now() where id = p_person and erased_at is null;
  if not found then
    return false;
  end if;
  delete from access.account where person_id = p_person;
  return true;
end $$;

-- What a token is good for, of its id and the SHA-256 of its secret: one row with `outcome` ok, unknown, expired or revoked;
-- the rest is set when it is ok. A wrong secret and a wrong id are told alike. Notes the use, at most once a minute.
create function access.use_api_token(p_id text, p_hash bytea)
returns table (outcome text, name text, owner text, projects text[], permissions text[], expires_at timestamptz)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  t access.api_token;
  -- Both sides are hashed anew with something that nobody knows, so that how long the comparison takes tells nothing.
  blind constant bytea := uuid_send(gen_random_uuid());
begin
  select * into t from access.api_token a where a.id = p_id;
  if not found or sha256(blind || t.secret_hash) is distinct from sha256(blind || p_hash) then -- no hash at all is a wrong one, too
    return query select 'unknown', null::text, null::text, null::text[], null::text[], null::timestamptz;
  elsif t.revoked_at is not null or exists (select from access.person p where p.id = t.owner and p.erased_at is not null) then
    -- Of an erased owner nobody can be asked any more what the token does.
    return query select 'revoked', null::text, null::text, null::text[], null::text[], null::timestamptz;
  elsif t.expires_at <= now() then
    return query select 'expired', null::text, null::text, null::text[], null::text[], null::timestamptz;
  else
    if t.last_used_at is null or t.last_used_at < now() - interval '1 minute' then
      -- Whoever finds the row taken lets it be: the other one notes the same.
      perform from access.api_token a where a.id = p_id for update skip locked;
      if found then
        update access.api_token a set last_used_at = now() where a.id = p_id;
      end if;
    end if;
    return query select 'ok', t.name, t.owner, t.projects, t.permissions, t.expires_at;
  end if;
end $$;

-- Who may what. Hands the schema to the ledger's owner, takes everything away and gives what follows; does nothing where
-- one role still does everything. Called after each migration of this schema, and by whoever makes the roles later.
create function access.grant_rights() returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  ledger_owner name := (select pg_get_userbyid(n.nspowner) from pg_namespace n where n.nspname = 'ledger');
  r name;
  o record;
begin
  if ledger_owner is distinct from 'vitae_owner' then
    return;
  end if;
  if (select n.nspowner from pg_namespace n where n.nspname = 'access') <> to_regrole('vitae_owner') then
    alter schema access owner to vitae_owner;
    for o in select c.oid::regclass as name from pg_class c where c.relnamespace = 'access'::regnamespace and c.relkind = 'r' loop
      execute format('alter table %s owner to vitae_owner', o.name);
    end loop;
    for o in select p.oid::regprocedure as name from pg_proc p where p.pronamespace = 'access'::regnamespace loop
      execute format('alter routine %s owner to vitae_owner', o.name);
    end loop;
  end if;
  revoke all on schema access from public;
  revoke all on all tables in schema access from public;
  revoke all on all routines in schema access from public;
  for r in select 'vitae_' || s.service from ledger.services() s union all select 'vitae_auditor' loop
    continue when to_regrole(r) is null;
    execute format('revoke all on schema access from %I', r);
    execute format('revoke all on all tables in schema access from %I', r);
    execute format('revoke all on all routines in schema access from %I', r);
    continue when r = 'vitae_auditor'; -- an auditor reads the ledger; names are asked of governance
    execute format('grant usage on schema access to %I', r);
    execute format('grant select on access.migration to %I', r);
    execute format('grant select, insert, update, delete on access.rate to %I', r);
    execute format('grant execute on function access.pseudonym_of(text, text, text, text), access.use_api_token(text, bytea) to %I', r);
  end loop;
  if to_regrole('vitae_governance') is not null then
    grant select on access.person to vitae_governance;
    grant insert on access.api_token to vitae_governance;
    grant select (id, name, owner, projects, permissions, created_at, expires_at, revoked_at, last_used_at) on access.api_token to vitae_governance;
    grant update (revoked_at) on access.api_token to vitae_governance;
  end if;
  if to_regrole('vitae_ledger') is not null then
    grant execute on function access.erase_person(text) to vitae_ledger;
    grant maintain on access.person, access.account to vitae_ledger; -- to rewrite the tables without what was erased
  end if;
end $$;

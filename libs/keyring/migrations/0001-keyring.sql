-- The keys of people, in a database of their own: no dump of the ledger holds a key, and the keys have a short backup cycle
-- of their own. A key never stands here in clear: it is wrapped by the tenant key, which is in a file (or a secret).

create table keyring.person_key (
  key_id             uuid primary key,
  project_id         text collate "C" not null,
  -- The actor's id in the events.
  person             text collate "C" not null,
  tenant_key_version integer not null,
  -- AES-256-GCM: nonce, ciphertext, tag. Gone after the erasure.
  wrapped_key        bytea,
  created_at         timestamptz not null default now(),
  destroyed_at       timestamptz,
  erasure_id         uuid,
  check ((wrapped_key is null) = (destroyed_at is not null)),
  check ((erasure_id is null) = (destroyed_at is null))
);

-- Everybody has at most one live key in a project. After an erasure, what the person writes from then on gets another one.
create unique index person_key_live on keyring.person_key (project_id, person) where destroyed_at is null;
create index person_key_person on keyring.person_key (person);

-- What was destroyed stays destroyed, and the row stays, so that a text sealed under it reads as erased and not as damaged.
create function keyring.refuse_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' then
    if old.destroyed_at is null and (new.key_id, new.project_id, new.person) = (old.key_id, old.project_id, old.person) then
      return new;
    end if;
  end if;
  raise exception '% on %.% is refused', tg_op, tg_table_schema, tg_table_name
    using errcode = 'VT002', hint = 'A key can be wrapped anew or destroyed, once; it is never deleted, moved or brought back.';
end $$;

create trigger person_key_stays before update or delete on keyring.person_key
  for each row execute function keyring.refuse_change();
create trigger person_key_not_emptied before truncate on keyring.person_key
  for each statement execute function keyring.refuse_change();

-- Every service seals and opens; only the ledger destroys. The roles belong to the cluster (see 0004-roles.sql of the event
-- store). Call it again when they were made later. Where they do not exist, the owner of this database does everything.
create function keyring.grant_rights() returns void language plpgsql as $$
declare
  r name;
begin
  foreach r in array array['vitae_registry', 'vitae_governance', 'vitae_deployment', 'vitae_monitoring', 'vitae_ledger'] loop
    continue when to_regrole(r) is null;
    execute format('grant usage on schema keyring to %I', r);
    execute format('grant select on keyring.migration, keyring.person_key to %I', r);
    execute format('grant insert on keyring.person_key to %I', r);
  end loop;
  if to_regrole('vitae_ledger') is not null then
    grant update (tenant_key_version, wrapped_key, destroyed_at, erasure_id) on keyring.person_key to vitae_ledger;
    grant maintain on keyring.person_key to vitae_ledger; -- to rewrite the table without what was destroyed
  end if;
end $$;
select keyring.grant_rights();

-- The transparency log over the ledger: an RFC 6962 tree whose leaf i is the event with index i, in C2SP tiles.
-- Only what never changes is kept: full tiles and signed checkpoints. A partial tile is computed when it is asked for.

create table ledger.tile (
  level  smallint not null check (level between 0 and 63),
  n      bigint not null check (n >= 0), -- from the left; hash i covers the entries (n * 256 + i) * 256^level and on
  hashes bytea not null check (octet_length(hashes) = 8192),
  primary key (level, n)
);
alter table ledger.tile alter column hashes set storage external; -- hashes do not compress; trying costs time

-- What the log signed, and when. A checkpoint is stored before anybody gets to see it.
create table ledger.checkpoint (
  size      bigint primary key check (size > 0),
  root      bytea not null check (octet_length(root) = 32),
  note      text not null, -- C2SP signed note, with the log's own signatures only
  signed_at timestamptz not null default clock_timestamp()
);

-- What witnesses added to a checkpoint: one signature line each.
create table ledger.cosignature (
  size        bigint not null references ledger.checkpoint (size),
  witness     text collate "C" not null, -- the witness's verifier key
  line        text not null,
  received_at timestamptz not null default clock_timestamp(),
  primary key (size, witness)
);
create index cosignature_witness on ledger.cosignature (witness, size); -- how far a witness is

create trigger tile_append_only before update or delete or truncate on ledger.tile
  for each statement execute function ledger.refuse_change();
create trigger checkpoint_append_only before update or delete or truncate on ledger.checkpoint
  for each statement execute function ledger.refuse_change();
create trigger cosignature_append_only before update or delete or truncate on ledger.cosignature
  for each statement execute function ledger.refuse_change();

-- A log only grows: nothing is signed below what was signed before, whoever signs.
create function ledger.checkpoint_grows() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  newest bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('vitae checkpoint', 0)); -- one signer commits at a time
  select max(c.size) into newest from ledger.checkpoint c;
  if new.size < newest then
    raise exception 'a checkpoint over % events was signed already; one over % is refused', newest, new.size
      using errcode = 'VT004', hint = 'Another replica was ahead. Nothing is wrong; sign the next one.';
  end if;
  new.signed_at := clock_timestamp(); -- now that nobody else can be before us: sizes and times agree
  return new;
end $$;
create trigger checkpoint_grows before insert on ledger.checkpoint
  for each row execute function ledger.checkpoint_grows();

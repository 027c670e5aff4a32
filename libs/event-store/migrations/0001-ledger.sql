-- The ledger: streams of events, and the one gapless order over all of them.
-- Append gives an event its revision in its stream; the sequencer later gives it its index in the ledger.

-- One row for each stream. It is the lock under which a stream grows, and holds how long it is.
create table ledger.stream (
  stream   text collate "C" primary key,
  revision integer not null check (revision >= 0)
);

-- cache 1: a number is drawn while the stream's row is locked, so that seq agrees with every stream's order.
create sequence ledger.event_seq as bigint cache 1;

create table ledger.event (
  seq         bigint primary key,
  id          uuid not null unique,
  stream      text collate "C" not null,
  revision    integer not null check (revision > 0),
  type        text collate "C" not null,
  project_id  text collate "C" not null,
  subjects    text[] not null,
  -- json, not jsonb: exactly the bytes that were appended (RFC 8785), for they will be hashed.
  payload     json not null,
  metadata    json not null,
  recorded_at timestamptz not null default clock_timestamp(),
  unique (stream, revision)
);

-- "All that concerns this model", across services: one index range, no search in payloads.
create table ledger.event_subject (
  subject text collate "C" not null,
  seq     bigint not null, -- no foreign key: written by the statement that writes the event, and checking costs a third of it
  primary key (subject, seq)
);

-- What is committed and has no index yet. Narrow, and emptied by the sequencer.
create table ledger.unsequenced (
  seq bigint primary key
);

create table ledger.entry (
  index bigint primary key check (index >= 0),
  seq   bigint not null unique references ledger.event (seq)
);

-- One row for ever: its lock is the only fence between sequencers.
create table ledger.head (
  singleton  boolean primary key default true check (singleton),
  next_index bigint not null check (next_index >= 0)
);
insert into ledger.head (next_index) values (0);

-- Which appends were made under an idempotency key, so that the same request answers the same.
create table ledger.batch (
  idempotency_key text collate "C" primary key,
  fingerprint     text not null,
  stream          text collate "C" not null,
  first_revision  integer not null,
  last_revision   integer not null
);

-- Append-only, whoever asks.
create function ledger.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the ledger is append-only: % on %.% is refused', tg_op, tg_table_schema, tg_table_name
    using errcode = 'VT002', hint = 'Correct a fact by appending a new event.';
end $$;

create trigger event_append_only before update or delete or truncate on ledger.event
  for each statement execute function ledger.refuse_change();
create trigger event_subject_append_only before update or delete or truncate on ledger.event_subject
  for each statement execute function ledger.refuse_change();
create trigger entry_append_only before update or delete or truncate on ledger.entry
  for each statement execute function ledger.refuse_change();
create trigger batch_append_only before update or delete or truncate on ledger.batch
  for each statement execute function ledger.refuse_change();

-- Appends events to one stream inside the caller's transaction (READ COMMITTED).
-- p_mode: 'exact' (stream must be at p_expected), 'no-stream', 'exists', 'any'.
-- Raises VT001 with the stream's actual revision as detail when the expectation does not hold.
create function ledger.append(
  p_stream text, p_mode text, p_expected integer, p_project_id text, p_subjects text[],
  p_ids uuid[], p_types text[], p_payloads text[], p_metadata text,
  p_idempotency_key text, p_fingerprint text
) returns table (revision integer, recorded_at timestamptz) language plpgsql as $$
declare
  actual integer;
  held boolean;
begin
  -- 1. Lock the stream before anything is numbered: whoever loses the race burns nothing.
  insert into ledger.stream (stream, revision) values (p_stream, 0) on conflict do nothing;
  select s.revision into actual from ledger.stream s where s.stream = p_stream for update;
  held := case p_mode
    when 'exact' then actual = p_expected
    when 'no-stream' then actual = 0
    when 'exists' then actual > 0
    when 'any' then true
  end;
  if held is not true then
    raise exception 'stream % is at revision %', p_stream, actual using errcode = 'VT001', detail = actual::text;
  end if;

  -- 2. Number and insert. 3. Leave word for the sequencer.
  return query
  with numbered as (
    select nextval('ledger.event_seq') as seq, e.ordinality::integer as n, e.id, e.type, e.payload
    from (
      select * from unnest(p_ids, p_types, p_payloads) with ordinality as u (id, type, payload, ordinality)
      order by ordinality
    ) e
  ), stored as (
    insert into ledger.event (seq, id, stream, revision, type, project_id, subjects, payload, metadata)
    select m.seq, m.id, p_stream, actual + m.n, m.type, p_project_id, p_subjects, m.payload::json, p_metadata::json
    from numbered m order by m.n
    returning event.seq, event.revision, event.recorded_at
  ), waiting as (
    insert into ledger.unsequenced (seq) select s.seq from stored s
  ), concerned as (
    insert into ledger.event_subject (subject, seq)
    select distinct u.subject, s.seq from stored s cross join unnest(p_subjects) as u (subject)
  )
  select s.revision, s.recorded_at from stored s order by s.revision;

  update ledger.stream s set revision = actual + cardinality(p_ids) where s.stream = p_stream;

  if p_idempotency_key is not null then
    insert into ledger.batch (idempotency_key, fingerprint, stream, first_revision, last_revision)
    values (p_idempotency_key, p_fingerprint, p_stream, actual + 1, actual + cardinality(p_ids));
  end if;
end $$;

-- Gives the events that are visible now, and have none, the next indices. Returns how many.
-- Takes what is visible, not what is next: an event that commits late gets a later index, so no
-- reader ever waits for a hole or passes one by. Correct with any number of sequencers: the head
-- row's lock is the fence, and the statement after it sees what the last holder committed.
create function ledger.sequence(p_limit integer) returns integer language plpgsql as $$
declare
  first_index bigint;
  n integer;
begin
  select h.next_index into first_index from ledger.head h for update;
  with taken as (
    delete from ledger.unsequenced u
    where u.seq in (select w.seq from ledger.unsequenced w order by w.seq limit p_limit)
    returning u.seq
  ), placed as (
    insert into ledger.entry (index, seq)
    select first_index - 1 + row_number() over (order by t.seq), t.seq from taken t
    returning 1
  )
  select count(*)::integer into n from placed;
  if n > 0 then
    update ledger.head h set next_index = first_index + n;
  end if;
  return n;
end $$;

-- Names this ledger for ever: what JetStream holds is checked against it before anything is published.
create table ledger.origin (
  singleton boolean primary key default true check (singleton),
  id        uuid not null default gen_random_uuid()
);
insert into ledger.origin default values;
create trigger origin_append_only before update or delete or truncate on ledger.origin
  for each statement execute function ledger.refuse_change();

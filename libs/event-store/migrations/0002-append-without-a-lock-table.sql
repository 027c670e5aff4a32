-- Append by claiming the next revision, one or many appends in a statement; the index of subjects moves to the
-- sequencer; an entry knows when it was ordered; and the functions become the only door (security definer).

-- ## Entries: when each was ordered, so that a time names a prefix of the ledger for ever.
alter table ledger.entry drop constraint entry_seq_fkey; -- the sequencer is the only writer, fsck checks; the foreign key cost a third of it
alter table ledger.entry add column sequenced_at timestamptz;
alter table ledger.entry disable trigger entry_append_only;
update ledger.entry n set sequenced_at = t.at
from (
  select m.index, max(e.recorded_at) over (order by m.index) as at from ledger.entry m join ledger.event e on e.seq = m.seq
) t where t.index = n.index;
alter table ledger.entry enable trigger entry_append_only;
alter table ledger.entry alter column sequenced_at set not null;

alter table ledger.head add column sequenced_at timestamptz not null default '-infinity';
update ledger.head set sequenced_at = coalesce((select n.sequenced_at from ledger.entry n order by n.index desc limit 1), '-infinity');

-- "All that concerns this model", in ledger order: a page of it is one index range.
create table ledger.entry_subject (
  subject text collate "C" not null,
  index   bigint not null,
  primary key (subject, index)
);
insert into ledger.entry_subject (subject, index)
select s.subject, n.index from ledger.event_subject s join ledger.entry n on n.seq = s.seq;
create trigger entry_subject_append_only before update or delete or truncate on ledger.entry_subject
  for each statement execute function ledger.refuse_change();
drop table ledger.event_subject;

-- ## Who may append what. Empty for the owner of the schema, who may append anywhere.
create table ledger.writer (
  role            name not null,
  category_prefix text collate "C" not null check (category_prefix ~ '^[a-z]+\.$'), -- e.g. 'registry.'
  primary key (role, category_prefix)
);

-- Whether whoever is logged in (not whom SET ROLE made of him) may append to all of these streams.
create function ledger.admits(p_streams text[]) returns boolean language sql stable security definer
set search_path = pg_catalog as $$
  select pg_has_role(session_user, (select n.nspowner from pg_namespace n where n.nspname = 'ledger'), 'member')
    or not exists (
      select from unnest(p_streams) as s (stream)
      where not exists (
        select from ledger.writer w
        where starts_with(s.stream, w.category_prefix) and pg_has_role(session_user, w.role, 'member')
      )
    )
$$;

drop function ledger.append;

-- Appends events to one stream inside the caller's transaction (READ COMMITTED).
-- p_expected: the stream's revision (0: none yet), -1: any, -2: any but 0. The first event comes as scalars, which spares
-- the usual append of one event its arrays; the others, if any, as arrays.
-- Raises VT001 with the stream's actual revision as detail when the expectation does not hold, VT003 when the role may not.
--
-- There is no lock on the stream: whoever inserts its next revision first has it, everybody else waits for that commit
-- and then finds the place taken. A number is drawn after the revisions before it were seen committed, so seq agrees
-- with every stream's order.
create function ledger.append(
  p_stream text, p_expected integer, p_project_id text, p_subjects text[], p_metadata text,
  p_id uuid, p_type text, p_payload text,
  p_more_ids uuid[], p_more_types text[], p_more_payloads text[],
  p_idempotency_key text, p_fingerprint text
) returns table (revision integer, recorded_at timestamptz) language plpgsql security definer
set search_path = pg_catalog set plan_cache_mode = force_generic_plan as $$
declare
  actual integer;
  at timestamptz;
  more integer := coalesce(cardinality(p_more_ids), 0);
begin
  if not ledger.admits(array[p_stream]) then
    raise exception 'role % may not append to %', session_user, p_stream using errcode = 'VT003',
      hint = 'Each service appends to its own streams only; ledger.writer says which.';
  end if;
  loop
    -- 1. Look and claim: the next revision, if it is the expected one and nobody was quicker. 2. Leave word for the sequencer.
    with head as (
      select coalesce((select e.revision from ledger.event e where e.stream = p_stream order by e.revision desc limit 1), 0) as revision
    ), claimed as (
      insert into ledger.event as e (seq, id, stream, revision, type, project_id, subjects, payload, metadata)
      select nextval('ledger.event_seq'), p_id, p_stream, h.revision + 1, p_type, p_project_id, p_subjects, p_payload::json, p_metadata::json
      from head h where case p_expected when -1 then true when -2 then h.revision > 0 else h.revision = p_expected end
      on conflict on constraint event_stream_revision_key do nothing
      returning e.seq, e.recorded_at
    ), waiting as (
      insert into ledger.unsequenced (seq) select c.seq from claimed c
    )
    select h.revision, c.recorded_at into actual, at from head h left join claimed c on true;
    exit when at is not null;
    -- Taken by somebody quicker, or never ours. Look again: the answer names the revision that is there now.
    select coalesce(max(e.revision), 0) into actual from ledger.event e where e.stream = p_stream;
    if p_expected >= 0 or (p_expected = -2 and actual = 0) then
      raise exception 'stream % is at revision %', p_stream, actual using errcode = 'VT001', detail = actual::text;
    end if;
  end loop;

  -- 3. The rest cannot collide: nobody else sees the first before we commit, so nobody follows it.
  if more > 0 then
    with numbered as (
      select nextval('ledger.event_seq') as seq, o.n, o.id, o.type, o.payload from (
        select u.n, u.id, u.type, u.payload
        from unnest(p_more_ids, p_more_types, p_more_payloads) with ordinality as u (id, type, payload, n) order by u.n
      ) o
    ), stored as (
      insert into ledger.event as e (seq, id, stream, revision, type, project_id, subjects, payload, metadata, recorded_at)
      select m.seq, m.id, p_stream, actual + 1 + m.n::integer, m.type, p_project_id, p_subjects, m.payload::json, p_metadata::json, at
      from numbered m order by m.n
      returning e.seq
    )
    insert into ledger.unsequenced (seq) select s.seq from stored s;
  end if;
  if p_idempotency_key is not null then
    insert into ledger.batch (idempotency_key, fingerprint, stream, first_revision, last_revision)
    values (p_idempotency_key, p_fingerprint, p_stream, actual + 1, actual + 1 + more);
  end if;
  return query select actual + 1, at;
end $$;

-- Many appends at once, each to a stream of its own: those whose expectation holds are stored, the others are not, and
-- neither minds the other. p_stream MUST NOT name a stream twice, and SHOULD be sorted, so that batches do not deadlock.
-- One element of the first eight arrays for each append (its first event; subjects joined by one space); the p_more
-- arrays hold the further events: to which append (from 1) they belong, in order.
-- Answers for each append its number, the revision the stream was at, and when it was recorded: null when it was not.
create function ledger.append_batch(
  p_streams text[], p_expected integer[], p_project_ids text[], p_subjects text[], p_metadata text[],
  p_ids uuid[], p_types text[], p_payloads text[],
  p_more_appends integer[], p_more_ids uuid[], p_more_types text[], p_more_payloads text[]
) returns table (append integer, revision integer, recorded_at timestamptz) language plpgsql security definer
set search_path = pg_catalog set plan_cache_mode = force_generic_plan as $$
begin
  if not ledger.admits(p_streams) then
    raise exception 'role % may not append to all of these streams', session_user using errcode = 'VT003',
      hint = 'Each service appends to its own streams only; ledger.writer says which.';
  end if;
  if p_more_ids is null then
    return query
    with wanted as (
      select u.*, coalesce((select e.revision from ledger.event e where e.stream = u.stream order by e.revision desc limit 1), 0) as revision
      from unnest(p_streams, p_expected, p_project_ids, p_subjects, p_metadata, p_ids, p_types, p_payloads)
        with ordinality as u (stream, expected, project_id, subjects, metadata, id, type, payload, n)
    ), claimed as (
      insert into ledger.event as e (seq, id, stream, revision, type, project_id, subjects, payload, metadata)
      select nextval('ledger.event_seq'), w.id, w.stream, w.revision + 1, w.type, w.project_id, string_to_array(w.subjects, ' '), w.payload::json, w.metadata::json
      from wanted w where case w.expected when -1 then true when -2 then w.revision > 0 else w.revision = w.expected end
      on conflict on constraint event_stream_revision_key do nothing
      returning e.seq, e.stream, e.recorded_at
    ), waiting as (
      insert into ledger.unsequenced (seq) select c.seq from claimed c
    )
    select w.n::integer, w.revision, c.recorded_at from wanted w left join claimed c on c.stream = w.stream;
  else
    return query
    with wanted as (
      select u.*, coalesce((select e.revision from ledger.event e where e.stream = u.stream order by e.revision desc limit 1), 0) as revision
      from unnest(p_streams, p_expected, p_project_ids, p_subjects, p_metadata, p_ids, p_types, p_payloads)
        with ordinality as u (stream, expected, project_id, subjects, metadata, id, type, payload, n)
    ), claimed as (
      insert into ledger.event as e (seq, id, stream, revision, type, project_id, subjects, payload, metadata)
      select nextval('ledger.event_seq'), w.id, w.stream, w.revision + 1, w.type, w.project_id, string_to_array(w.subjects, ' '), w.payload::json, w.metadata::json
      from wanted w where case w.expected when -1 then true when -2 then w.revision > 0 else w.revision = w.expected end
      on conflict on constraint event_stream_revision_key do nothing
      returning e.seq, e.stream, e.revision, e.project_id, e.subjects, e.metadata, e.recorded_at
    ), more as ( -- sorted before they are numbered, so that seq agrees with each stream's order
      select nextval('ledger.event_seq') as seq, o.* from (
        select c.stream, c.revision + row_number() over (partition by m.append order by m.n) as revision,
          c.project_id, c.subjects, c.metadata, c.recorded_at, m.id, m.type, m.payload
        from unnest(p_more_appends, p_more_ids, p_more_types, p_more_payloads) with ordinality as m (append, id, type, payload, n)
        join wanted w on w.n = m.append join claimed c on c.stream = w.stream
        order by m.n
      ) o
    ), stored as (
      insert into ledger.event as e (seq, id, stream, revision, type, project_id, subjects, payload, metadata, recorded_at)
      select m.seq, m.id, m.stream, m.revision, m.type, m.project_id, m.subjects, m.payload::json, m.metadata, m.recorded_at from more m
      returning e.seq
    ), waiting as (
      insert into ledger.unsequenced (seq) select c.seq from claimed c union all select s.seq from stored s
    )
    select w.n::integer, w.revision, c.recorded_at from wanted w left join claimed c on c.stream = w.stream;
  end if;
end $$;

drop table ledger.stream; -- nothing locks or reads it any more: the unique (stream, revision) is the lock

-- Gives the events that are visible now, and have none, the next indices. Returns how many.
-- Takes what is visible, not what is next: an event that commits late gets a later index, so no
-- reader ever waits for a hole or passes one by. Correct with any number of sequencers: the head
-- row's lock is the fence, and the statement after it sees what the last holder committed.
create or replace function ledger.sequence(p_limit integer) returns integer language plpgsql security definer
set search_path = pg_catalog set plan_cache_mode = force_generic_plan as $$
declare
  first_index bigint;
  at timestamptz;
  n integer;
begin
  select h.next_index, greatest(clock_timestamp(), h.sequenced_at) into first_index, at from ledger.head h for update;
  with taken as (
    delete from ledger.unsequenced u
    where u.seq <= (select max(w.seq) from (select w.seq from ledger.unsequenced w order by w.seq limit p_limit) w)
    returning u.seq
  ), placed as (
    insert into ledger.entry (index, seq, sequenced_at)
    select first_index - 1 + row_number() over (order by t.seq), t.seq, at from taken t
    returning entry.index, entry.seq
  ), concerning as (
    insert into ledger.entry_subject (subject, index)
    select distinct s.subject, p.index from placed p join ledger.event e on e.seq = p.seq cross join unnest(e.subjects) as s (subject)
  )
  select count(*)::integer into n from placed;
  if n > 0 then
    update ledger.head h set next_index = first_index + n, sequenced_at = at;
  end if;
  return n;
end $$;

-- The greatest index that the ledger had at a time, -1 for none: what "as of" that time means. Everything ordered until
-- then, and what was recorded until then and ordered right after it (looked for among the next 1,000 entries).
create function ledger.index_at(p_at timestamptz) returns bigint language plpgsql stable security definer
set search_path = pg_catalog as $$
declare
  low bigint := -1; -- ordered until p_at
  high bigint := (select h.next_index from ledger.head h); -- ordered later
  middle bigint;
begin
  while high - low > 1 loop
    middle := (low + high) / 2;
    if (select n.sequenced_at <= p_at from ledger.entry n where n.index = middle) then low := middle; else high := middle; end if;
  end loop;
  return coalesce((
    select max(n.index) from ledger.entry n join ledger.event e on e.seq = n.seq
    where n.index > low and n.index <= low + 1000 and e.recorded_at <= p_at
  ), low);
end $$;

alter table ledger.unsequenced set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

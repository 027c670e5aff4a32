-- Append by claiming the next revision, one or many appends in a statement; the index of subjects is
-- written behind the sequencer; an entry knows when it was ordered; and the functions become the only door (security definer).

-- Every function here fixes how it is planned: a plan is made once for a connection, perhaps while the tables are empty,
-- and what is right for an empty table (reading all of it) is wrong for ever after.

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

-- "All that concerns this model", in ledger order: a page of it is one index range. Filled by ledger.note_entries (0005).
create table ledger.entry_subject (
  subject text collate "C" not null,
  index   bigint not null,
  primary key (subject, index)
);
create trigger entry_subject_append_only before update or delete or truncate on ledger.entry_subject
  for each statement execute function ledger.refuse_change();
drop table ledger.event_subject;

drop function ledger.append;

-- The functions below count revisions from 1; PostgreSQL would read the text of this check anew for each statement.
alter table ledger.event drop constraint event_revision_check;

-- What could not be an entry of the transparency log would halt it, and could never be taken out again. So it is refused
-- at the door (VT005): names of more than 256 bytes, raw line breaks or tabs, which canonical JSON does not have, and
-- subjects that are none.
create function ledger.refuse_unloggable() returns void language plpgsql as $$
begin
  raise exception 'what cannot be an entry of the log cannot be appended' using errcode = 'VT005',
    hint = 'Payload and metadata are canonical JSON (RFC 8785); stream, type and project have at most 256 bytes; subjects are <kind>:<id>.';
end $$;

-- ## Who may append what: a role that is a member of `vitae_<service>` to the streams of that service, whoever owns these
-- functions anywhere. Asked of the role that logged in (session_user), so that SET ROLE widens nothing. The functions
-- below write the test out: calling a function for it would cost a fifth of an append.
--   pg_has_role(session_user, current_user, 'member')                        current_user is the owner, in a security definer
--   pg_has_role(session_user, to_regrole('vitae_' || <service>), 'member')   null when there is no such role

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
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  actual integer;
  first_seq bigint;
  at timestamptz;
  more integer := coalesce(cardinality(p_more_ids), 0);
  texts text := p_payload || p_metadata || array_to_string(p_subjects || p_more_payloads, '');
begin
  if not (pg_has_role(session_user, current_user, 'member')
      or coalesce(pg_has_role(session_user, to_regrole(quote_ident('vitae_' || split_part(p_stream, '.', 1))), 'member'), false)) then
    raise exception 'role % may not append to %', session_user, p_stream using errcode = 'VT003',
      hint = 'A service appends to its own streams only.';
  end if;
  if octet_length(p_stream) > 256 or octet_length(p_type) > 256 or octet_length(p_project_id) > 256
      or strpos(texts, E'\n') > 0 or strpos(texts, E'\t') > 0
      or exists (select from unnest(p_subjects) as s (subject) where (octet_length(s.subject) <= 256 and s.subject ~ '^[a-z][a-z-]*:[A-Za-z0-9._-]+$') is not true)
      or (select max(octet_length(m.type)) from unnest(p_more_types) as m (type)) > 256 then
    perform ledger.refuse_unloggable();
  end if;
  loop
    -- 1. Look, and claim the next revision if it is the expected one and nobody is quicker.
    actual := coalesce((select e.revision from ledger.event e where e.stream = p_stream order by e.revision desc limit 1), 0);
    if p_expected = actual or p_expected = -1 or (p_expected = -2 and actual > 0) then
      insert into ledger.event as e (seq, id, stream, revision, type, project_id, subjects, payload, metadata)
      values (nextval('ledger.event_seq'), p_id, p_stream, actual + 1, p_type, p_project_id, p_subjects, p_payload::json, p_metadata::json)
      on conflict on constraint event_stream_revision_key do nothing
      returning e.seq, e.recorded_at into first_seq, at;
      exit when first_seq is not null;
      if p_expected >= 0 then -- somebody was quicker; say where the stream is now
        actual := (select max(e.revision) from ledger.event e where e.stream = p_stream);
      end if;
    end if;
    if p_expected >= 0 or (p_expected = -2 and actual = 0) then
      raise exception 'stream % is at revision %', p_stream, actual using errcode = 'VT001', detail = actual::text;
    end if;
  end loop;
  -- 2. Leave word for the sequencer.
  insert into ledger.unsequenced (seq) values (first_seq);

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
  revision := actual + 1;
  recorded_at := at;
  return next;
end $$;

-- The usual append, one event at an exact revision (0: the first), in one statement: PL/pgSQL prepares each of its
-- expressions anew in each transaction, and that cost as much as the event. It asks for no less than `append` does and
-- names nothing: null when anything stands against it, and then `append` says what. p_subjects: joined by one space.
create function ledger.append_next(
  p_stream text, p_expected integer, p_project_id text, p_subjects text, p_metadata text, p_id uuid, p_type text, p_payload text
) returns timestamptz language sql security definer
set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
  with claimed as (
    insert into ledger.event as e (seq, id, stream, revision, type, project_id, subjects, payload, metadata)
    select nextval('ledger.event_seq'), p_id, p_stream, p_expected + 1, p_type, p_project_id, string_to_array(p_subjects, ' '), p_payload::json, p_metadata::json
    where (p_expected = 0 or (select true from ledger.event h where h.stream = p_stream and h.revision = p_expected))
      and (pg_has_role(session_user, current_user, 'member')
        or coalesce(pg_has_role(session_user, to_regrole(quote_ident('vitae_' || split_part(p_stream, '.', 1))), 'member'), false))
      and octet_length(p_stream || p_type || p_project_id || p_subjects) <= 256 -- together, so each of them
      and strpos(p_payload || p_metadata, E'\n') = 0 and strpos(p_payload || p_metadata, E'\t') = 0
      and p_subjects ~ '^([a-z][a-z-]*:[A-Za-z0-9._-]+( [a-z][a-z-]*:[A-Za-z0-9._-]+)*)?$'
    on conflict on constraint event_stream_revision_key do nothing
    returning e.seq, e.recorded_at
  ), waiting as (
    insert into ledger.unsequenced (seq) select c.seq from claimed c
  )
  select c.recorded_at from claimed c
$$;

-- Many appends at once, each to a stream of its own: those whose expectation holds are stored, the others are not, and
-- neither minds the other. p_streams MUST NOT name a stream twice, and SHOULD be sorted, so that batches do not deadlock.
-- One element of the first eight arrays for each append (its first event; subjects joined by one space); the p_more
-- arrays hold the further events: to which append (from 1) they belong, and which of its events (from 1: the second one)
-- they are, in order. Null: there are none.
-- Answers one row: when it was recorded, and for each append the revision its stream was at before, null where it was not
-- stored. No revisions at all: each was stored where it was expected to be.
create function ledger.append_batch(
  p_streams text[], p_expected integer[], p_project_ids text[], p_subjects text[], p_metadata text[],
  p_ids uuid[], p_types text[], p_payloads text[],
  p_more_appends integer[], p_more_places integer[], p_more_ids uuid[], p_more_types text[], p_more_payloads text[]
) returns table (recorded_at timestamptz, revisions integer[]) language plpgsql security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  at timestamptz := clock_timestamp();
  texts text := array_to_string(p_payloads || p_metadata || p_more_payloads, '');
  n integer;
begin
  if not pg_has_role(session_user, current_user, 'member') and exists (
    select from (select distinct split_part(s.stream, '.', 1) as service from unnest(p_streams) as s (stream)) s
    where coalesce(pg_has_role(session_user, to_regrole(quote_ident('vitae_' || s.service)), 'member'), false) is not true
  ) then
    raise exception 'role % may not append to all of these streams', session_user using errcode = 'VT003',
      hint = 'A service appends to its own streams only.';
  end if;
  if strpos(texts, E'\n') > 0 or strpos(texts, E'\t') > 0
      or array_to_string(p_subjects, ',', '?') !~ '^,*([a-z][a-z-]*:[A-Za-z0-9._-]+( [a-z][a-z-]*:[A-Za-z0-9._-]+)*(,+|$))*$'
      or (select max(octet_length(t.name)) from unnest(p_streams || p_types || p_project_ids || p_more_types || p_subjects) as t (name)) > 256
        and exists (select from unnest(p_streams || p_types || p_project_ids || p_more_types || string_to_array(array_to_string(p_subjects, ' '), ' ')) as t (name) where octet_length(t.name) > 256) then
    perform ledger.refuse_unloggable();
  end if;
  -- 1. In the hope that each stream is where it is expected and nobody is quicker: testing each row for a conflict and
  --    saying of each what became of it cost a third of an event.
  if 0 <= all (p_expected) then
    begin
      with stored as (
        insert into ledger.event as e (seq, id, stream, revision, type, project_id, subjects, payload, metadata, recorded_at)
        select nextval('ledger.event_seq'), u.id, u.stream, u.expected + 1, u.type, u.project_id, string_to_array(u.subjects, ' '), u.payload::json, u.metadata::json, at
        from unnest(p_streams, p_expected, p_project_ids, p_subjects, p_metadata, p_ids, p_types, p_payloads)
          as u (stream, expected, project_id, subjects, metadata, id, type, payload)
        where u.expected = 0 or (select true from ledger.event h where h.stream = u.stream and h.revision = u.expected) -- not `exists`, which might be looked up in a hash of all streams
        returning e.seq
      )
      insert into ledger.unsequenced (seq) select s.seq from stored s;
      get diagnostics n = row_count;
      if n < cardinality(p_streams) then
        raise unique_violation; -- what was stored goes back; below each is looked at
      end if;
      if p_more_ids is not null then
        with stored as (
          insert into ledger.event as e (seq, id, stream, revision, type, project_id, subjects, payload, metadata, recorded_at)
          select nextval('ledger.event_seq'), m.id, m.stream, m.revision, m.type, m.project_id, string_to_array(m.subjects, ' '), m.payload::json, m.metadata::json, at
          from ( -- sorted before they are numbered, so that seq agrees with each stream's order
            select u.stream, u.expected + 1 + m.place as revision, u.project_id, u.subjects, u.metadata, m.id, m.type, m.payload
            from unnest(p_more_appends, p_more_places, p_more_ids, p_more_types, p_more_payloads) with ordinality as m (append, place, id, type, payload, n)
            join unnest(p_streams, p_expected, p_project_ids, p_subjects, p_metadata) with ordinality as u (stream, expected, project_id, subjects, metadata, n) on u.n = m.append
            order by m.n
          ) m
          returning e.seq
        )
        insert into ledger.unsequenced (seq) select s.seq from stored s;
      end if;
      recorded_at := at;
      return next;
      return;
    exception when unique_violation then
      null; -- nothing of it is stored
    end;
  end if;
  -- 2. Claim the first of each; whoever lost the race is left out, with all that follows it.
  return query
  with wanted as (
    select u.*, coalesce((select e.revision from ledger.event e where e.stream = u.stream order by e.revision desc limit 1), 0) as revision
    from unnest(p_streams, p_expected, p_project_ids, p_subjects, p_metadata, p_ids, p_types, p_payloads)
      with ordinality as u (stream, expected, project_id, subjects, metadata, id, type, payload, n)
  ), claimed as (
    insert into ledger.event as e (seq, id, stream, revision, type, project_id, subjects, payload, metadata, recorded_at)
    select nextval('ledger.event_seq'), w.id, w.stream, w.revision + 1, w.type, w.project_id, string_to_array(w.subjects, ' '), w.payload::json, w.metadata::json, at
    from wanted w where case w.expected when -1 then true when -2 then w.revision > 0 else w.revision = w.expected end
    on conflict on constraint event_stream_revision_key do nothing
    returning e.seq, e.stream, e.revision, e.project_id, e.subjects, e.metadata
  ), stored as (
    insert into ledger.event as e (seq, id, stream, revision, type, project_id, subjects, payload, metadata, recorded_at)
    select nextval('ledger.event_seq'), m.id, m.stream, m.revision, m.type, m.project_id, m.subjects, m.payload::json, m.metadata, at
    from (
      select c.stream, c.revision + m.place as revision, c.project_id, c.subjects, c.metadata, m.id, m.type, m.payload
      from unnest(p_more_appends, p_more_places, p_more_ids, p_more_types, p_more_payloads) with ordinality as m (append, place, id, type, payload, n)
      join wanted w on w.n = m.append join claimed c on c.stream = w.stream
      order by m.n
    ) m
    returning e.seq
  ), waiting as (
    insert into ledger.unsequenced (seq) select c.seq from claimed c union all select s.seq from stored s
  )
  select at, array_agg(c.revision - 1 order by w.n) from wanted w left join claimed c on c.stream = w.stream;
end $$;

drop table ledger.stream; -- nothing locks or reads it any more: the unique (stream, revision) is the lock

-- Gives the events that are visible now, and have none, the next indices. Answers these entries, in order.
-- Takes what is visible, not what is next: an event that commits late gets a later index, so no
-- reader ever waits for a hole or passes one by. Correct with any number of sequencers: the head
-- row's lock is the fence, and the statement after it sees what the last holder committed.
create function ledger.sequence_entries(p_limit integer) returns table (
  index bigint, id uuid, stream text, revision integer, type text, project_id text, subjects text[], payload json, metadata json, recorded_at timestamptz
) language plpgsql security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  first_index bigint;
  at timestamptz;
  n integer;
begin
  if not exists (select from ledger.unsequenced) then return; end if; -- a lock is written, too, and waits for the disk
  select h.next_index, greatest(clock_timestamp(), h.sequenced_at) into first_index, at from ledger.head h for update;
  return query
  with taken as (
    delete from ledger.unsequenced u where u.seq <= (select max(w.seq) from (select v.seq from ledger.unsequenced v order by v.seq limit p_limit) w)
    returning u.seq
  ), placed as (
    insert into ledger.entry (index, seq, sequenced_at)
    select first_index - 1 + row_number() over (order by t.seq), t.seq, at from taken t
    returning entry.index, entry.seq
  )
  select p.index, e.id, e.stream, e.revision, e.type, e.project_id, e.subjects, e.payload, e.metadata, e.recorded_at
  from placed p cross join lateral (select v.* from ledger.event v where v.seq = p.seq offset 0) e order by p.index;
  get diagnostics n = row_count;
  if n > 0 then
    update ledger.head h set next_index = first_index + n, sequenced_at = at;
  end if;
end $$;

-- The same for who only wants to know how many.
create or replace function ledger.sequence(p_limit integer) returns integer language sql security definer
set search_path = pg_catalog, pg_temp as $$ select count(*)::integer from ledger.sequence_entries(p_limit) $$;

-- The greatest index that counts as recorded at a time, -1 for none: what "as of" that time means. Entries are recorded
-- in very nearly the order of their indices; only a commit that came late may stand after a later one. So: look for the
-- place by halving, then let what was recorded until then, and stands within the next 1,000, count as well.
create function ledger.index_at(p_at timestamptz) returns bigint language plpgsql stable security definer
set search_path = pg_catalog, pg_temp as $$
declare
  low bigint := -1;
  high bigint := (select h.next_index from ledger.head h);
  middle bigint;
begin
  while high - low > 1 loop
    middle := (low + high) / 2;
    if (select e.recorded_at <= p_at from ledger.entry n join ledger.event e on e.seq = n.seq where n.index = middle) then
      low := middle;
    else
      high := middle;
    end if;
  end loop;
  return coalesce((
    select max(n.index) from ledger.entry n join ledger.event e on e.seq = n.seq
    where n.index > low and n.index <= low + 1000 and e.recorded_at <= p_at
  ), low);
end $$;

alter table ledger.unsequenced set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

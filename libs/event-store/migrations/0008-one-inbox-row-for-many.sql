-- Appending and ordering, as before (0002, 0007) and for less: what was stored together waits in one row, and arrays are
-- looked into where they are, instead of being laid out as tables first, which copied each event three times.

-- One row for what one statement stored, at most 200 events: the first's number, and those of the others. The order of the
-- rows is the order of their first events, and it agrees with every stream's: whoever follows an event in its stream saw
-- it committed, or stored it before, and drew all the numbers of his row later.
alter table ledger.unsequenced add column more bigint[];

-- Appends events to one stream: see 0002. Here from its second step on as it is now.
create or replace function ledger.append(
  p_stream text, p_expected integer, p_project_id text, p_subjects text[], p_metadata text,
  p_id uuid, p_type text, p_payload text,
  p_more_ids uuid[], p_more_types text[], p_more_payloads text[],
  p_idempotency_key text, p_fingerprint text
) returns table (revision integer, recorded_at timestamptz) language plpgsql security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  actual integer;
  first_seq bigint;
  seqs bigint[];
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
  -- 2. The rest cannot collide: nobody else sees the first before we commit, so nobody follows it. Stored in the order of the
  --    series, there being nothing that could be joined otherwise, so that their numbers are in the order of their revisions.
  if more > 0 then
    with stored as (
      insert into ledger.event as e (seq, id, stream, revision, type, project_id, subjects, payload, metadata, recorded_at)
      select nextval('ledger.event_seq'), p_more_ids[n], p_stream, actual + 1 + n, p_more_types[n], p_project_id, p_subjects, p_more_payloads[n]::json, p_metadata::json, at
      from generate_series(1, more) n
      returning e.seq
    )
    select array_agg(s.seq) into seqs from stored s;
  end if;
  -- 3. Leave word for the sequencer.
  seqs := first_seq || seqs;
  insert into ledger.unsequenced (seq, more) select seqs[k], seqs[k + 1:k + 199] from generate_series(1, 1 + more, 200) k;
  if p_idempotency_key is not null then
    insert into ledger.batch (idempotency_key, fingerprint, stream, first_revision, last_revision)
    values (p_idempotency_key, p_fingerprint, p_stream, actual + 1, actual + 1 + more);
  end if;
  revision := actual + 1;
  recorded_at := at;
  return next;
end $$;

-- Many appends at once, each to a stream of its own: those whose expectation holds are stored, the others are not, and
-- neither minds the other. p_streams MUST NOT name a stream twice, and SHOULD be sorted, so that batches do not deadlock.
-- One element of the first five arrays, and of p_firsts, for each append (subjects joined by one space); one of the last
-- three for each event, those of one append beside each other and in order. p_firsts: the place of its first event, from 1.
-- Answers one row: when it was recorded, and for each append the revision its stream was at before, null where it was not
-- stored. No revisions at all: each was stored where it was expected to be.
drop function ledger.append_batch;
create function ledger.append_batch(
  p_streams text[], p_expected integer[], p_project_ids text[], p_subjects text[], p_metadata json[],
  p_firsts integer[], p_ids uuid[], p_types text[], p_payloads json[]
) returns table (recorded_at timestamptz, revisions integer[]) language plpgsql security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  at timestamptz := clock_timestamp();
  appends constant integer := cardinality(p_streams);
  events constant integer := cardinality(p_ids);
  nexts constant integer[] := p_firsts[2:] || (events + 1);
  payloads constant text := array_to_string(p_payloads, '');
  metadata constant text := array_to_string(p_metadata, '');
  seqs bigint[];
  stored integer;
begin
  if not pg_has_role(session_user, current_user, 'member') and exists (
    select from (select distinct split_part(s.stream, '.', 1) as service from unnest(p_streams) as s (stream)) s
    where coalesce(pg_has_role(session_user, to_regrole(quote_ident('vitae_' || s.service)), 'member'), false) is not true
  ) then
    raise exception 'role % may not append to all of these streams', session_user using errcode = 'VT003',
      hint = 'A service appends to its own streams only.';
  end if;
  if strpos(payloads, E'\n') > 0 or strpos(payloads, E'\t') > 0 or strpos(metadata, E'\n') > 0 or strpos(metadata, E'\t') > 0
      or array_to_string(p_subjects, ',', '?') !~ '^,*([a-z][a-z-]*:[A-Za-z0-9._-]+( [a-z][a-z-]*:[A-Za-z0-9._-]+)*(,+|$))*$'
      or (select max(octet_length(t.name)) from unnest(p_streams || p_types || p_project_ids || p_subjects) as t (name)) > 256
        and exists (select from unnest(p_streams || p_types || p_project_ids || string_to_array(array_to_string(p_subjects, ' '), ' ')) as t (name) where octet_length(t.name) > 256) then
    perform ledger.refuse_unloggable();
  end if;
  -- 1. In the hope that each stream is where it is expected and nobody is quicker: testing each row for a conflict and
  --    saying of each what became of it cost a third of an event. The numbers are drawn when all that goes before was seen
  --    committed, so that seq agrees with each stream's order; and at once, so that they are side by side.
  if 0 <= all (p_expected) and not exists (
    select from generate_series(1, appends) a
    where p_expected[a] > 0 and (select true from ledger.event h where h.stream = p_streams[a] and h.revision = p_expected[a]) is not true -- not `exists`, which might be looked up in a hash of all streams
  ) then
    begin
      seqs := array(select nextval('ledger.event_seq') from generate_series(1, events));
      if events = appends then
        insert into ledger.event as e (seq, id, stream, revision, type, project_id, subjects, payload, metadata, recorded_at)
        select seqs[a], p_ids[a], p_streams[a], p_expected[a] + 1, p_types[a], p_project_ids[a], string_to_array(p_subjects[a], ' '), p_payloads[a], p_metadata[a], at
        from generate_series(1, appends) a;
      else
        insert into ledger.event as e (seq, id, stream, revision, type, project_id, subjects, payload, metadata, recorded_at)
        select seqs[i], p_ids[i], p_streams[a], p_expected[a] + 1 + i - p_firsts[a], p_types[i], p_project_ids[a], s.subjects, p_payloads[i], p_metadata[a], at
        from generate_series(1, appends) a
          cross join lateral (select string_to_array(p_subjects[a], ' ') as subjects offset 0) s
          cross join lateral generate_series(p_firsts[a], nexts[a] - 1) i;
        get diagnostics stored = row_count;
        if stored <> events then
          raise exception 'p_firsts does not divide % events among % appends', events, appends using errcode = 'invalid_parameter_value';
        end if;
      end if;
      insert into ledger.unsequenced (seq, more) select seqs[k], seqs[k + 1:k + 199] from generate_series(1, events, 200) k;
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
    select a, coalesce((select e.revision from ledger.event e where e.stream = p_streams[a] order by e.revision desc limit 1), 0) as revision
    from generate_series(1, appends) a
  ), claimed as (
    insert into ledger.event as e (seq, id, stream, revision, type, project_id, subjects, payload, metadata, recorded_at)
    select nextval('ledger.event_seq'), p_ids[p_firsts[w.a]], p_streams[w.a], w.revision + 1, p_types[p_firsts[w.a]], p_project_ids[w.a], string_to_array(p_subjects[w.a], ' '), p_payloads[p_firsts[w.a]], p_metadata[w.a], at
    from wanted w where case p_expected[w.a] when -1 then true when -2 then w.revision > 0 else w.revision = p_expected[w.a] end
    on conflict on constraint event_stream_revision_key do nothing
    returning e.seq, e.stream
  ), stored as (
    insert into ledger.event as e (seq, id, stream, revision, type, project_id, subjects, payload, metadata, recorded_at)
    select nextval('ledger.event_seq'), p_ids[m.i], p_streams[m.a], m.revision, p_types[m.i], p_project_ids[m.a], string_to_array(p_subjects[m.a], ' '), p_payloads[m.i], p_metadata[m.a], at
    from ( -- sorted before they are numbered
      select w.a, i, w.revision + 1 + i - p_firsts[w.a] as revision
      from claimed c join wanted w on p_streams[w.a] = c.stream cross join lateral generate_series(p_firsts[w.a] + 1, nexts[w.a] - 1) i
      order by i
    ) m
    returning e.seq
  ), waiting as (
    insert into ledger.unsequenced (seq) select c.seq from claimed c union all select s.seq from stored s
  )
  select at, array_agg(case when c.seq is not null then w.revision end order by w.a) from wanted w left join claimed c on c.stream = p_streams[w.a];
end $$;

-- Gives the events that are visible now, and have none, the next indices: p_limit of them and the rest of their rows, for
-- what was stored together is taken together. Answers these entries, in order.
create or replace function ledger.sequence_entries(p_limit integer) returns table (
  index bigint, id uuid, stream text, revision integer, type text, project_id text, subjects text[], payload json, metadata json, recorded_at timestamptz
) language plpgsql security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  first_index bigint;
  at timestamptz;
  seqs bigint[];
  n integer;
begin
  if not exists (select from ledger.unsequenced) then return; end if; -- a lock is written, too, and waits for the disk
  select h.next_index, greatest(clock_timestamp(), h.sequenced_at) into first_index, at from ledger.head h for update;
  seqs := array(
    select w.seq from (select v.seq, v.more from ledger.unsequenced v order by v.seq limit p_limit) u cross join lateral unnest(u.seq || u.more) as w (seq) order by w.seq
  );
  if seqs = '{}' then return; end if; -- another sequencer was quicker
  if cardinality(seqs) > p_limit then
    seqs := array(select w.seq from ledger.unsequenced u cross join lateral unnest(u.seq || u.more) as w (seq) where u.seq <= seqs[p_limit] order by w.seq);
  end if;
  n := cardinality(seqs);
  delete from ledger.unsequenced u where u.seq = any (seqs);
  insert into ledger.entry (index, seq, sequenced_at) select first_index - 1 + i, seqs[i], at from generate_series(1, n) i;
  if seqs[n] - seqs[1] = n - 1 then
    -- As nearly always: no number is missing, so that they are read side by side, for a fifth less.
    return query
    select first_index + e.seq - seqs[1], e.id, e.stream, e.revision, e.type, e.project_id, e.subjects, e.payload, e.metadata, e.recorded_at
    from ledger.event e where e.seq >= seqs[1] and e.seq <= seqs[n] order by e.seq;
  else
    return query -- what is lateral is carried out in this order
    select first_index - 1 + i, e.id, e.stream, e.revision, e.type, e.project_id, e.subjects, e.payload, e.metadata, e.recorded_at
    from generate_series(1, n) i cross join lateral (select v.* from ledger.event v where v.seq = seqs[i] offset 0) e;
  end if;
  update ledger.head h set next_index = first_index + n, sequenced_at = at;
end $$;

-- Notes the next full blocks for the history: see 0005. Read run by run: events whose numbers stand as far apart as their
-- indices. What came late stands between others here; the run goes on behind it, and leaves out what is numbered there.
create or replace function ledger.note_entries() returns integer language plpgsql security definer
set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set max_parallel_workers_per_gather = 0 as $$
declare
  low bigint;
  high bigint;
  seqs bigint[];
begin
  select n.next_index into low from ledger.noted n for update skip locked;
  high := least(low + 40 * 256, (select h.next_index / 256 * 256 from ledger.head h));
  if low is null or high <= low then return 0; end if;
  seqs := array(select n.seq from ledger.entry n where n.index >= low and n.index < high order by n.index);
  with fresh as materialized (
    select low - 1 + s.n + e.seq - s.seq as index, e.subjects, e.project, e.type, e.actor
    from (select min(n) as n, min(seqs[n]) as seq, max(seqs[n]) as last from generate_series(1, cardinality(seqs)) n group by seqs[n] - n order by 1) s
      cross join lateral (
        select v.seq, v.subjects, v.project_id as project, v.type,
          case when starts_with(m.metadata, '{"actor":{"id":"') then split_part(m.metadata, '"', 6) end collate "C" as actor
        from ledger.event v cross join lateral (select v.metadata::text as metadata offset 0) m
        where v.seq >= s.seq and v.seq <= s.last and seqs[s.n + v.seq - s.seq] = v.seq offset 0
      ) e
  ), subjects as (
    insert into ledger.entry_subject (subject, index)
    select s.subject, f.index from fresh f cross join unnest(f.subjects) with ordinality as s (subject, place)
    where (s.place = 1 or array_position(f.subjects, s.subject) = s.place) -- named twice, it is noted once
      and octet_length(s.subject) <= 2000 -- what an index can hold, and not null; nothing may stop it
    order by s.subject, f.index
  )
  insert into ledger.entry_block (facet, block)
  select distinct t.facet, d.block
  from (
    select k.*, split_part(k.type, '.', 2) as service from (select distinct f.index / 256 as block, f.project, f.type, f.actor from fresh f) k
  ) d cross join lateral unnest(array[
    d.project, d.project || ' ' || d.type, d.project || ' ' || d.service, d.project || ' @' || d.actor,
    '* ' || d.type, '* ' || d.service, '* @' || d.actor
  ]) as t (facet)
  where octet_length(t.facet) <= 2000
  order by t.facet, d.block;
  update ledger.noted n set next_index = high;
  return high - low;
end $$;

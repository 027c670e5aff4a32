-- How far each consumer has read: the index it takes next. Moves in the transaction of the effect.
create table messaging.bookmark (
  consumer   text collate "C" primary key,
  next_index bigint not null check (next_index >= 0)
);

-- Events that a consumer could not take. Set aside so that the rest goes on; reported until somebody looks.
create table messaging.parked (
  consumer  text collate "C" not null,
  index     bigint not null,
  event_id  uuid not null,
  type      text not null,
  error     text not null,
  attempts  integer not null,
  parked_at timestamptz not null default clock_timestamp(),
  primary key (consumer, index)
);

-- The traffic of an endpoint. Its row is also the lock under which everything that counts the endpoint's
-- rows happens: messages, labels, baselines and rollouts change one endpoint one after the other.
create table monitoring.endpoint_traffic (
  project_id  text collate "C" not null,
  endpoint_id uuid not null,
  rows        bigint not null default 0,
  lost        bigint not null default 0,
  unreadable  bigint not null default 0,
  labelled    bigint not null default 0,
  primary key (project_id, endpoint_id)
);

-- How far each incarnation of the inference stream has been counted. A store that is made anew starts its sequences
-- from 1 again, under another incarnation: they are not taken for old ones.
create table monitoring.inference_mark (
  incarnation text collate "C" primary key,
  sequence    bigint not null check (sequence >= 0)
);

-- One request and its response. The request's columns are kept only while the response is waited for.
create table monitoring.exchange (
  variant_id       uuid not null,
  ce_id            text collate "C" not null,
  project_id       text collate "C" not null,
  endpoint_id      uuid not null,
  model_version_id uuid not null,
  state            text not null check (state in ('waiting', 'complete', 'lost', 'late')),
  received_at      timestamptz not null,
  served_at        timestamptz not null,
  header_id        text,
  request          json,
  response         json,
  request_id       text collate "C",
  completed_by     bigint,
  primary key (variant_id, ce_id)
);
-- Whose wait is over.
create index exchange_waiting on monitoring.exchange (received_at) where state = 'waiting';
-- Labels look for the predictions they belong to.
create index exchange_by_request on monitoring.exchange (endpoint_id, request_id) where request_id is not null;
-- What is old enough to be forgotten.
create index exchange_by_age on monitoring.exchange using brin (received_at);

-- Labels by request, as they were given first. `counted` once they have met their predictions.
create table monitoring.ground_truth (
  project_id  text collate "C" not null,
  endpoint_id uuid not null,
  request_id  text collate "C" not null,
  labels      smallint[] not null,
  actor       text not null,
  given_at    timestamptz not null,
  counted     boolean not null,
  primary key (project_id, endpoint_id, request_id)
);

-- Counts of the window that is being filled, and what the closed ones have led to: one row for each baseline.
create table monitoring.open_window (
  baseline_id uuid primary key references monitoring.baseline (id),
  counts      json not null,
  memory      json not null
);

-- Messages that could not be counted, set aside so that the rest goes on.
create table monitoring.parked_inference (
  incarnation text collate "C" not null,
  sequence    bigint not null,
  error       text not null,
  parked_at   timestamptz not null default clock_timestamp(),
  primary key (incarnation, sequence)
);

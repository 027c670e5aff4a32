-- A version by reference may have its bytes here, and then it has a digest, too. MLflow's users register one source twice on purpose.
drop index registry.model_version_artefact_once;
create unique index model_version_artefact_once on registry.model_version (model_id, artefact_digest) where deleted_at is null and artefact_digest <> '' and artefact_location = '';

-- Webhooks of MLflow. Beside what a caller sees stands what the sender remembers of the receiver; libs/webhooks works on both tables.
create table registry.mlflow_webhook (
  id               uuid primary key,
  project_id       text collate "C" not null,
  stream           text not null,
  revision         integer not null,
  name             text not null,
  url              text not null,
  -- Sealed, where there is a keyring.
  description      text not null,
  events           text[] not null,
  state            text not null check (state in ('active', 'disabled', 'deleted')),
  -- Why the registry gave up on the receiver; empty when it did not.
  failure          text not null default '',
  -- What signs, sealed with AES-256-GCM; null when nothing is signed.
  secret           bytea,
  created_at       timestamptz not null,
  updated_at       timestamptz not null,
  not_before       timestamptz not null default '-infinity',
  refused_in_a_row integer not null default 0,
  lease            uuid,
  leased_until     timestamptz not null default '-infinity',
  served_at        timestamptz not null default '-infinity'
);
create index mlflow_webhook_list on registry.mlflow_webhook (project_id, id) where state <> 'deleted';

create table registry.mlflow_webhook_delivery (
  webhook_id      uuid not null references registry.mlflow_webhook (id),
  -- Of the event that it tells of.
  index           bigint not null,
  event_id        uuid not null,
  type            text collate "C" not null,
  body            text not null,
  state           text not null default 'waiting' check (state in ('waiting', 'delivered', 'dead', 'dropped')),
  attempts        integer not null default 0,
  tried_at        timestamptz,
  response_status integer,
  response        text,
  error           text,
  duration_ms     integer,
  primary key (webhook_id, index)
);
create index mlflow_webhook_delivery_waiting on registry.mlflow_webhook_delivery (webhook_id, index) where state = 'waiting';
create index mlflow_webhook_delivery_old on registry.mlflow_webhook_delivery (tried_at) where state in ('delivered', 'dropped');

-- Before this there were no such webhooks, so nobody is to be told of what the ledger holds already.
insert into messaging.bookmark (consumer, next_index) select 'registry.mlflow-webhooks', next_index from ledger.head on conflict do nothing;

-- Telling other systems of events. Three kinds of tables: what a caller sees of a webhook (webhook), what the ledger up
-- to the consumer's bookmark says who is told of what (subscription), and the queue and log of deliveries (delivery).

-- One webhook: written in the transaction of its events, so that what a caller did is true at once. Beside it stands
-- what the sender remembers of the receiver.
create table webhooks.webhook (
  id              uuid primary key,
  project_id      text collate "C" not null,
  url             text not null,
  description     text not null,
  types           text[] not null,
  subjects        text[] not null,
  state           text not null check (state in ('active', 'paused', 'suspended', 'unsubscribed')),
  -- Why it is suspended.
  trouble         text,
  created_at      timestamptz not null,
  created_by      text not null,
  revision        integer not null,
  -- Nothing is sent before: after a failure, and as long as the receiver asked for.
  not_before      timestamptz not null default '-infinity',
  refused_in_a_row integer not null default 0,
  -- One sender at a time has the webhook; a sender that died loses it when its lease ends.
  lease           uuid,
  leased_until    timestamptz not null default '-infinity',
  served_at       timestamptz not null default '-infinity',
  -- Up to here delivered rows may have been pruned: the consumer never makes them again.
  pruned_index    bigint not null default -1
);
create index webhook_list on webhooks.webhook (project_id, id);

-- Keys that sign, sealed with AES-256-GCM. Several at once while a new one takes over.
create table webhooks.secret (
  id          uuid primary key,
  webhook_id  uuid not null references webhooks.webhook (id),
  sealed      bytea not null,
  valid_until timestamptz not null default 'infinity'
);
create index secret_webhook on webhooks.secret (webhook_id);

-- Who is told of what, at the consumer's place in the ledger: a new filter holds from its own event on, not from the
-- moment at which somebody sent it.
create table webhooks.subscription (
  webhook_id  uuid primary key,
  -- The project whose events it is told of; `vitae` is told of all.
  project_id  text collate "C" not null,
  types       text[] not null,
  subjects    text[] not null,
  since_index bigint not null
);

-- Every event that a webhook is told of, once.
create table webhooks.delivery (
  webhook_id      uuid not null references webhooks.webhook (id),
  index           bigint not null,
  event_id        uuid not null,
  type            text collate "C" not null,
  -- waiting ──► delivered | dead; a replay makes either wait again. dropped: its webhook was unsubscribed.
  state           text not null default 'waiting' check (state in ('waiting', 'delivered', 'dead', 'dropped')),
  attempts        integer not null default 0,
  replays         integer not null default 0,
  tried_at        timestamptz,
  -- Of the last try.
  response_status integer,
  response        text,
  error           text,
  duration_ms     integer,
  primary key (webhook_id, index)
);
-- The queue: the lowest waiting index of a webhook is the next.
create index delivery_waiting on webhooks.delivery (webhook_id, index) where state = 'waiting';
create index delivery_dead on webhooks.delivery (webhook_id, index) where state = 'dead';
create index delivery_old on webhooks.delivery (tried_at) where state in ('delivered', 'dropped');

-- Whether an event is wanted. The one place where the rule stands: matching and replaying ask the same.
create function webhooks.wanted(type text, subjects text[], wanted_types text[], wanted_subjects text[]) returns boolean
language sql immutable parallel safe
return
  (cardinality(wanted_types) = 0 or exists (
    select from unnest(wanted_types) w where type = w or (right(w, 2) = '.*' and starts_with(type, left(w, -1)))))
  and (cardinality(wanted_subjects) = 0 or exists (
    select from unnest(wanted_subjects) w, unnest(subjects) s where s = w or (right(w, 2) = ':*' and starts_with(s, left(w, -1)))));

-- Before this there were no webhooks, so nobody is to be told of what the ledger holds already.
insert into messaging.bookmark (consumer, next_index) select 'ledger.webhooks', next_index from ledger.head on conflict do nothing;

import type { Sql } from '@vitae/event-store';
import { everyProject } from '@vitae/service-kit';

/** One event on its way to one webhook, and what became of the last try. */
export interface DeliveryItem {
  /** The event's index; within a webhook it names the delivery. */
  readonly index: number;
  readonly eventId: string;
  readonly type: string;
  readonly state: 'waiting' | 'delivered' | 'dead' | 'dropped';
  readonly attempts: number;
  /** How often somebody had it sent anew. */
  readonly replays: number;
  readonly triedAt: string | null;
  readonly responseStatus: number | null;
  /** The first kilobyte of the answer. */
  readonly response: string | null;
  /** Why there was no answer. */
  readonly error: string | null;
  readonly durationMs: number | null;
}

export interface DeliveryQuery {
  readonly limit: number;
  /** Only deliveries of earlier events. */
  readonly before?: number | undefined;
  readonly state?: DeliveryItem['state'] | undefined;
}

export interface Noted {
  /** Somebody is to be told of something that was not noted before. */
  readonly news: boolean;
  /** There are webhooks at all. */
  readonly anybody: boolean;
}

/**
 * Notes, for each webhook that wants an event of this part of the ledger, that it is to be told of it; once, however often it
 * is asked. Of its own life (that it was paused, or is sent events again) a webhook is not told.
 */
export async function noteDeliveries(sql: Sql, from: number, to: number): Promise<Noted> {
  const [noted] = await sql.query<Noted>(
    `with noted as (
     insert into webhooks.delivery (webhook_id, index, event_id, type)
     select s.webhook_id, e.index, e.id, e.type
     from webhooks.subscription s join webhooks.webhook w on w.id = s.webhook_id and w.state <> 'unsubscribed'
     cross join lateral (
       select n.index, v.id, v.type, v.project_id, v.subjects from ledger.entry n join ledger.event v on v.seq = n.seq
       where n.index between $1 and $2 offset 0 -- not looked at while there is no webhook
     ) e
     where s.project_id in (e.project_id, 'vitae') and s.since_index < e.index and w.pruned_index < e.index
       and webhooks.wanted(e.type, e.subjects, s.types, s.subjects) and 'webhook:' || s.webhook_id <> all (e.subjects)
     on conflict do nothing returning index
     ) select exists (select from noted) as "news", exists (select from webhooks.subscription) as "anybody"`,
    [from, to],
  );
  return noted as Noted; // a select from nothing has one row
}

// A webhook of the installation is told of every project, so who asks for it looks at all of them; the statement says whose
// events any other one is told of.
const WANTED = `
  from webhooks.webhook w
  join ledger.entry n on n.index between $2 and $3
  join ledger.event e on e.seq = n.seq
  where w.id = $1 and (w.project_id = 'vitae' or e.project_id = w.project_id) and webhooks.wanted(e.type, e.subjects, w.types, w.subjects)
    and 'webhook:' || w.id <> all (e.subjects)`;

/** How many events of a range of the ledger the webhook's filter of today wants. */
export async function countWanted(sql: Sql, webhookId: string, from: number, to: number): Promise<number> {
  const [row] = await everyProject(() => sql.query<{ n: number }>(`select count(*)::int as n ${WANTED}`, [webhookId, from, to]));
  return row?.n ?? 0;
}

/** Has them sent, whether they were before or not. */
export async function sendAgain(sql: Sql, webhookId: string, from: number, to: number): Promise<void> {
  await everyProject(() => sql.query(
    `insert into webhooks.delivery as d (webhook_id, index, event_id, type) select w.id, n.index, e.id, e.type ${WANTED}
     on conflict (webhook_id, index) do update set state = 'waiting', attempts = 0, replays = d.replays + 1`,
    [webhookId, from, to],
  ));
}

/** Has one that is in the log sent again, whatever the filter says today. False: it is not in the log. */
export async function sendOneAgain(sql: Sql, webhookId: string, index: number): Promise<boolean> {
  const rows = await sql.query(`update webhooks.delivery set state = 'waiting', attempts = 0, replays = replays + 1 where webhook_id = $1 and index = $2 returning index`, [webhookId, index]);
  return rows.length === 1;
}

/** The log of a webhook, newest event first. `next`: send it as `before` for what follows. */
export async function deliveries(sql: Sql, webhookId: string, { limit, before, state }: DeliveryQuery): Promise<{ items: readonly DeliveryItem[]; next?: number }> {
  const rows = await sql.query<DeliveryItem>(
    `select index, event_id as "eventId", type, state, attempts, replays, tried_at as "triedAt", response_status as "responseStatus", response, error, duration_ms as "durationMs"
     from webhooks.delivery where webhook_id = $1 and ($2::bigint is null or index < $2) and ($3::text is null or state = $3)
     order by index desc limit $4`,
    [webhookId, before ?? null, state ?? null, limit + 1],
  );
  const items = rows.slice(0, limit).map((row) => ({ ...row, index: Number(row.index), triedAt: row.triedAt === null ? null : new Date(row.triedAt).toISOString() }));
  const last = items.at(-1);
  return { items, ...(rows.length > limit && last ? { next: last.index } : {}) };
}

/**
 * Forgets what was delivered (or dropped) longer ago than the log is kept, and remembers up to where: an event below
 * that is never noted again, so that a consumer that starts over sends nothing twice.
 * @returns how many rows went; at most `most`.
 */
export async function pruneDeliveries(sql: Sql, { days, most }: { readonly days: number; readonly most: number }): Promise<number> {
  const [row] = await sql.query<{ n: number }>(
    `with old as (
       select webhook_id, index from webhooks.delivery
       where state in ('delivered', 'dropped') and tried_at < now() - make_interval(days => $1) order by tried_at limit $2 for update skip locked),
     gone as (delete from webhooks.delivery d using old where d.webhook_id = old.webhook_id and d.index = old.index returning d.webhook_id, d.index),
     marked as (
       update webhooks.webhook w set pruned_index = greatest(w.pruned_index, g.last) from (select webhook_id, max(index) as last from gone group by 1) g
       where w.id = g.webhook_id)
     select count(*)::int as n from gone`,
    [days, most],
  );
  return row?.n ?? 0;
}

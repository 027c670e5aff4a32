import type { Sql } from '@vitae/event-store';
import type { Posted } from './poster.ts';
import type { Consequence } from './retry.ts';

/** A service's own two tables, with their schema: one row for each webhook, one for each message to it. */
export interface QueueTables {
  readonly webhook: string;
  readonly delivery: string;
}

/** A webhook leased to one sender. Everything below acts only while the lease is still this one's. */
export interface Claim {
  readonly webhookId: string;
  readonly lease: string;
  readonly leaseMs: number;
}

/** The next message of a claimed webhook. */
export interface Due {
  readonly index: number;
  /** Tries before this one. */
  readonly attempts: number;
  readonly refusedInARow: number;
  readonly url: string;
}

/** Takes a webhook for which something is due, the one longest without a turn first. */
export async function claimWebhook(sql: Sql, { webhook, delivery }: QueueTables, lease: string, leaseMs: number): Promise<Claim | undefined> {
  const [row] = await sql.query<{ id: string }>(
    `update ${webhook} set lease = $1, leased_until = now() + $2 * interval '1 millisecond', served_at = now()
     where id = (
       select c.id from ${webhook} c
       where c.state = 'active' and c.not_before <= now() and c.leased_until <= now()
         and exists (select from ${delivery} d where d.webhook_id = c.id and d.state = 'waiting')
       order by c.served_at limit 1 for update skip locked)
     returning id`,
    [lease, leaseMs],
  );
  return row && { webhookId: row.id, lease, leaseMs };
}

/** The lowest waiting index. Undefined: nothing is due, or the webhook is no longer ours to serve. */
export async function nextDelivery(sql: Sql, { webhook, delivery }: QueueTables, { webhookId, lease }: Claim): Promise<Due | undefined> {
  const [row] = await sql.query<Omit<Due, 'index'> & { index: string }>(
    `select d.index, d.attempts, w.refused_in_a_row as "refusedInARow", w.url
     from ${webhook} w
     cross join lateral (select index, attempts from ${delivery} where webhook_id = w.id and state = 'waiting' order by index limit 1) d
     where w.id = $1 and w.lease = $2 and w.state = 'active' and w.not_before <= now()`,
    [webhookId, lease],
  );
  return row && { ...row, index: Number(row.index) };
}

/** What the webhook remembers of its receiver; renews the lease. The project it belongs to, or undefined when the lease is lost. */
export async function leave(sql: Sql, { webhook }: QueueTables, { webhookId, lease, leaseMs }: Claim, after: Consequence): Promise<string | undefined> {
  const refused = after.type === 'dead' && after.suspend !== 'unreachable';
  const [row] = await sql.query<{ project_id: string }>(
    `update ${webhook} set
       not_before = case when $3::float8 is null then '-infinity' else now() + $3::float8 * interval '1 millisecond' end,
       leased_until = now() + $5 * interval '1 millisecond',
       refused_in_a_row = case $4 when 'delivered' then 0 when 'refused' then refused_in_a_row + 1 else refused_in_a_row end
     where id = $1 and lease = $2 returning project_id`,
    [webhookId, lease, after.type === 'retry' ? after.delayMs : null, refused ? 'refused' : after.type, leaseMs],
  );
  return row?.project_id;
}

const STATES = { delivered: 'delivered', retry: 'waiting', dead: 'dead' } as const;

/** Notes what became of a try. */
export async function noteAttempt(sql: Sql, { delivery }: QueueTables, { webhookId }: Claim, { index }: Due, { attempt, response, durationMs }: Posted, after: Consequence): Promise<void> {
  await sql.query(
    `update ${delivery} set state = $3, attempts = attempts + 1, tried_at = now(), response_status = $4, response = $5, error = $6, duration_ms = $7
     where webhook_id = $1 and index = $2`,
    [webhookId, index, STATES[after.type], attempt.type === 'answered' ? attempt.status : null, response ?? null, attempt.type === 'failed' ? attempt.error : null, durationMs],
  );
}

/** Gives the webhook back. */
export async function release(sql: Sql, { webhook }: QueueTables, { webhookId, lease }: Claim): Promise<void> {
  await sql.query(`update ${webhook} set lease = null, leased_until = '-infinity' where id = $1 and lease = $2`, [webhookId, lease]);
}

/** Gives the webhook back, and lets nobody have it for a while. */
export async function postpone(sql: Sql, { webhook }: QueueTables, { webhookId, lease }: Claim, ms: number): Promise<void> {
  await sql.query(
    `update ${webhook} set lease = null, leased_until = '-infinity', not_before = now() + $3 * interval '1 millisecond' where id = $1 and lease = $2`,
    [webhookId, lease, ms],
  );
}

export async function countWaiting(sql: Sql, { delivery }: QueueTables): Promise<readonly { readonly state: string; readonly n: number }[]> {
  return sql.query(`select state, count(*)::int as n from ${delivery} where state in ('waiting', 'dead') group by state`);
}

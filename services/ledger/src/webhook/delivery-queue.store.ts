import { WebhookFailure } from '@vitae/contracts';
import { streamName, type RecordedEvent, type Sql } from '@vitae/event-store';
import { reactionContext, type Ledger, type ViewTransaction } from '@vitae/service-kit';
import type { Posted } from './post.client.ts';
import type { Consequence } from './retry.ts';
import { webhook } from './webhook.ts';
import { projectWebhooks } from './webhooks.view.ts';

/** A webhook leased to one sender. Everything below acts only while the lease is still this one's. */
export interface Claim {
  readonly webhookId: string;
  readonly lease: string;
  readonly leaseMs: number;
}

/** The next event of a claimed webhook. */
export interface Due {
  readonly index: number;
  /** Tries before this one. */
  readonly attempts: number;
  readonly refusedInARow: number;
  readonly url: string;
}

/** Takes a webhook for which something is due, the one longest without a turn first. */
export async function claimWebhook(sql: Sql, lease: string, leaseMs: number): Promise<Claim | undefined> {
  const [row] = await sql.query<{ id: string }>(
    `update webhooks.webhook set lease = $1, leased_until = now() + $2 * interval '1 millisecond', served_at = now()
     where id = (
       select c.id from webhooks.webhook c
       where c.state = 'active' and c.not_before <= now() and c.leased_until <= now()
         and exists (select from webhooks.delivery d where d.webhook_id = c.id and d.state = 'waiting')
       order by c.served_at limit 1 for update skip locked)
     returning id`,
    [lease, leaseMs],
  );
  return row && { webhookId: row.id, lease, leaseMs };
}

/** The lowest waiting index. Undefined: nothing is due, or the webhook is no longer ours to serve. */
export async function nextDelivery(sql: Sql, { webhookId, lease }: Claim): Promise<Due | undefined> {
  const [row] = await sql.query<Omit<Due, 'index'> & { index: string }>(
    `select d.index, d.attempts, w.refused_in_a_row as "refusedInARow", w.url
     from webhooks.webhook w
     cross join lateral (select index, attempts from webhooks.delivery where webhook_id = w.id and state = 'waiting' order by index limit 1) d
     where w.id = $1 and w.lease = $2 and w.state = 'active' and w.not_before <= now()`,
    [webhookId, lease],
  );
  return row && { ...row, index: Number(row.index) };
}

const FAILURES = { gone: WebhookFailure.GONE, unreachable: WebhookFailure.UNREACHABLE, refusing: WebhookFailure.REFUSING } as const;

/**
 * Notes what became of a try, renews the lease, and suspends the webhook where that follows: in one transaction. False,
 * and nothing noted, when the lease went to another sender meanwhile: what that one meets counts.
 */
export async function settle(
  ledger: Ledger,
  claim: Claim,
  { due, event, posted, after }: { readonly due: Due; readonly event: RecordedEvent; readonly posted: Posted; readonly after: Consequence },
): Promise<boolean> {
  const suspend = after.type === 'dead' ? after.suspend : undefined;
  const { idempotency: _once, ...context } = reactionContext(event, 'ledger', 'the receiver does not take events');
  return ledger.together(context, async (tx) => {
    // A success that a crash of PostgreSQL forgets is sent again, as after a crash of ours: not worth a wait for the disk.
    if (after.type === 'delivered') await tx.sql.query('set local synchronous_commit = off');
    const projectId = await leave(tx, claim, after);
    if (projectId === undefined) return false;
    await note(tx, claim, due, posted, after);
    if (suspend !== undefined) {
      const command = { type: 'SuspendWebhook', failure: FAILURES[suspend], index: due.index, attempts: due.attempts + 1, detail: tellingOf(posted) } as const;
      const stream = streamName(webhook.category, claim.webhookId);
      await ledger.handleWithin(tx, webhook, { stream, command, context: { ...context, projectId }, subjects: [`webhook:${claim.webhookId}`] }, projectWebhooks);
    }
    return true;
  });
}

/** What the webhook remembers of its receiver. The project it belongs to, or undefined when the lease is lost. */
async function leave({ sql }: ViewTransaction, { webhookId, lease, leaseMs }: Claim, after: Consequence): Promise<string | undefined> {
  const refused = after.type === 'dead' && after.suspend !== 'unreachable';
  const [row] = await sql.query<{ project_id: string }>(
    `update webhooks.webhook set
       not_before = case when $3::float8 is null then '-infinity' else now() + $3::float8 * interval '1 millisecond' end,
       leased_until = now() + $5 * interval '1 millisecond',
       refused_in_a_row = case $4 when 'delivered' then 0 when 'refused' then refused_in_a_row + 1 else refused_in_a_row end
     where id = $1 and lease = $2 returning project_id`,
    [webhookId, lease, after.type === 'retry' ? after.delayMs : null, refused ? 'refused' : after.type, leaseMs],
  );
  return row?.project_id;
}

const STATES = { delivered: 'delivered', retry: 'waiting', dead: 'dead' } as const;

async function note({ sql }: ViewTransaction, { webhookId }: Claim, { index }: Due, { attempt, response, durationMs }: Posted, after: Consequence): Promise<void> {
  await sql.query(
    `update webhooks.delivery set state = $3, attempts = attempts + 1, tried_at = now(), response_status = $4, response = $5, error = $6, duration_ms = $7
     where webhook_id = $1 and index = $2`,
    [webhookId, index, STATES[after.type], attempt.type === 'answered' ? attempt.status : null, response ?? null, attempt.type === 'failed' ? attempt.error : null, durationMs],
  );
}

const tellingOf = ({ attempt }: Posted): string => (attempt.type === 'answered' ? `the receiver answered ${attempt.status}` : attempt.error);

/** Gives the webhook back. */
export async function release(sql: Sql, { webhookId, lease }: Claim): Promise<void> {
  await sql.query(`update webhooks.webhook set lease = null, leased_until = '-infinity' where id = $1 and lease = $2`, [webhookId, lease]);
}

/** Gives the webhook back, and lets nobody have it for a while. */
export async function postpone(sql: Sql, { webhookId, lease }: Claim, ms: number): Promise<void> {
  await sql.query(
    `update webhooks.webhook set lease = null, leased_until = '-infinity', not_before = now() + $3 * interval '1 millisecond' where id = $1 and lease = $2`,
    [webhookId, lease, ms],
  );
}

export async function countWaiting(sql: Sql): Promise<readonly { readonly state: string; readonly n: number }[]> {
  return sql.query(`select state, count(*)::int as n from webhooks.delivery where state in ('waiting', 'dead') group by state`);
}

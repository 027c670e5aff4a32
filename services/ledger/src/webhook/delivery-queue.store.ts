import { WebhookFailure } from '@vitae/contracts';
import { streamName, type RecordedEvent } from '@vitae/event-store';
import { reactionContext, type Ledger } from '@vitae/service-kit';
import { leave, noteAttempt, type Claim, type Consequence, type Due, type Posted, type QueueTables } from '@vitae/webhooks';
import { webhook } from './webhook.ts';
import { projectWebhooks } from './webhooks.view.ts';

/** Where the queues are. */
export const TABLES: QueueTables = { webhook: 'webhooks.webhook', delivery: 'webhooks.delivery' };

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
    const projectId = await leave(tx.sql, TABLES, claim, after);
    if (projectId === undefined) return false;
    await noteAttempt(tx.sql, TABLES, claim, due, posted, after);
    if (suspend !== undefined) {
      const command = { type: 'SuspendWebhook', failure: FAILURES[suspend], index: due.index, attempts: due.attempts + 1, detail: tellingOf(posted) } as const;
      const stream = streamName(webhook.category, claim.webhookId);
      await ledger.handleWithin(tx, webhook, { stream, command, context: { ...context, projectId }, subjects: [`webhook:${claim.webhookId}`] }, projectWebhooks);
    }
    return true;
  });
}

const tellingOf = ({ attempt }: Posted): string => (attempt.type === 'answered' ? `the receiver answered ${attempt.status}` : attempt.error);

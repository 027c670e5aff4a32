import type { RecordedEvent, Sql } from '@vitae/event-store';
import { pageOf, type Page, type PageQuery, type ViewTransaction } from '@vitae/service-kit';
import { filterOf, type WebhookEvent } from './webhook.ts';

/** A webhook as its owner sees it. Its secret is not among it. */
export interface WebhookItem {
  readonly id: string;
  readonly url: string;
  readonly description: string;
  readonly types: readonly string[];
  readonly subjects: readonly string[];
  readonly state: 'active' | 'paused' | 'suspended';
  /** Why it is suspended. */
  readonly trouble: string | null;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly revision: number;
  /** Events that wait to be sent, and events that were given up. */
  readonly waiting: number;
  readonly dead: number;
  /** When the next try is, after a failure. */
  readonly nextTryAt: string | null;
}

/** In the transaction of the command: what the caller did is true at once, also for the sender. */
export async function projectWebhooks({ sql }: ViewTransaction, events: readonly RecordedEvent<WebhookEvent>[]): Promise<void> {
  for (const { event, projectId, occurredAt, actor, revision } of events) {
    const set = (assignments: string, ...values: unknown[]) =>
      sql.query(`update webhooks.webhook set revision = $2 ${assignments} where id = $1`, [event.webhookId, revision, ...values]);
    switch (event.$typeName) {
      case 'vitae.ledger.v1.WebhookSubscribed': {
        const { types, subjects } = filterOf(event);
        await sql.query(
          `insert into webhooks.webhook (id, project_id, url, description, types, subjects, state, created_at, created_by, revision)
           values ($1, $2, $3, $4, $5, $6, 'active', $7, $8, $9)`,
          [event.webhookId, projectId, event.url, event.description, types, subjects, occurredAt, actor.id, revision],
        );
        break;
      }
      case 'vitae.ledger.v1.WebhookFilterReplaced': {
        const { types, subjects } = filterOf(event);
        await set(', types = $3, subjects = $4', types, subjects);
        break;
      }
      case 'vitae.ledger.v1.WebhookMoved':
        await set(`, url = $3, not_before = '-infinity'`, event.url);
        break;
      case 'vitae.ledger.v1.WebhookPaused':
        await set(`, state = 'paused', trouble = null`);
        break;
      case 'vitae.ledger.v1.WebhookResumed':
        await set(`, state = 'active', trouble = null, not_before = '-infinity', refused_in_a_row = 0`);
        break;
      case 'vitae.ledger.v1.WebhookSuspended':
        await set(`, state = 'suspended', trouble = $3`, event.detail);
        break;
      case 'vitae.ledger.v1.WebhookReplayed':
        await set(`, not_before = '-infinity'`);
        break;
      case 'vitae.ledger.v1.WebhookSecretRotated':
        await set('');
        break;
      case 'vitae.ledger.v1.WebhookUnsubscribed':
        await set(`, state = 'unsubscribed', trouble = null`);
        break;
    }
  }
}

const COLUMNS = `w.id, w.url, w.description, w.types, w.subjects, w.state, w.trouble, w.created_at as "createdAt", w.created_by as "createdBy", w.revision,
  (select count(*)::int from webhooks.delivery d where d.webhook_id = w.id and d.state = 'waiting') as waiting,
  (select count(*)::int from webhooks.delivery d where d.webhook_id = w.id and d.state = 'dead') as dead,
  case when w.state = 'active' and w.not_before > now() then w.not_before end as "nextTryAt"`;

export async function webhooks(sql: Sql, projectId: string, { limit, after }: PageQuery): Promise<Page<WebhookItem>> {
  const rows = await sql.query<WebhookItem>(
    `select ${COLUMNS} from webhooks.webhook w
     where w.project_id = $1 and w.state <> 'unsubscribed' and ($2::uuid is null or w.id > $2) order by w.id limit $3`,
    [projectId, after ?? null, limit + 1],
  );
  return pageOf(rows.map(inUtc), limit);
}

export async function findWebhook(sql: Sql, projectId: string, id: string): Promise<WebhookItem | undefined> {
  const [row] = await sql.query<WebhookItem>(`select ${COLUMNS} from webhooks.webhook w where w.project_id = $1 and w.id = $2 and w.state <> 'unsubscribed'`, [projectId, id]);
  return row && inUtc(row);
}

/** PostgreSQL's own text for a time becomes RFC 3339. */
const inUtc = (row: WebhookItem): WebhookItem => ({
  ...row,
  createdAt: new Date(row.createdAt).toISOString(),
  nextTryAt: row.nextTryAt === null ? null : new Date(row.nextTryAt).toISOString(),
});

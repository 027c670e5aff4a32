import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { RecordedEvent, Snapshot, Sql } from '@vitae/event-store';
import { sqlOf, type Page, type ViewTransaction } from '@vitae/service-kit';
import { keysetPage } from '../search/keyset.view.ts';
import type { MlflowWebhookEvent, MlflowWebhookState } from './mlflow-webhook.ts';

/** A webhook as its owner sees it. Its secret is not among it. */
export interface MlflowWebhookShown {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly description: string;
  readonly events: readonly string[];
  readonly state: 'active' | 'disabled';
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Not rebuilt: what waits for a receiver is in no event. */
export async function projectMlflowWebhook({ sql }: ViewTransaction, events: readonly RecordedEvent<MlflowWebhookEvent>[]): Promise<void> {
  for (const { event, projectId, stream, revision, recordedAt } of events) {
    const at = new Date(recordedAt);
    const change = async (set: string, ...values: unknown[]): Promise<void> => {
      await sql.query(`update mlflow_webhook set revision = $2, updated_at = greatest(updated_at, $3), ${set} where id = $1 and revision < $2`, [event.webhookId, revision, at, ...values]);
    };
    switch (event.$typeName) {
      case 'vitae.registry.v1.MlflowWebhookCreated':
        await sql.query(
          `insert into mlflow_webhook (id, project_id, stream, revision, name, url, description, events, state, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) on conflict (id) do nothing`,
          [event.webhookId, projectId, stream, revision, event.name, event.url, event.description, event.events, event.active ? 'active' : 'disabled', at],
        );
        break;
      case 'vitae.registry.v1.MlflowWebhookRenamed':
        await change('name = $4', event.name);
        break;
      case 'vitae.registry.v1.MlflowWebhookMoved':
        await change(`url = $4, not_before = '-infinity'`, event.url);
        break;
      case 'vitae.registry.v1.MlflowWebhookEventsReplaced':
        await change('events = $4', event.events);
        break;
      case 'vitae.registry.v1.MlflowWebhookDescribed':
        await change('description = $4', event.description);
        break;
      case 'vitae.registry.v1.MlflowWebhookSecretReplaced':
        await change('secret = secret'); // which is written beside it
        break;
      case 'vitae.registry.v1.MlflowWebhookEnabled':
        await change(`state = 'active', failure = '', not_before = '-infinity', refused_in_a_row = 0`);
        break;
      case 'vitae.registry.v1.MlflowWebhookDisabled':
        await change(`state = 'disabled', failure = $4`, event.failure);
        break;
      case 'vitae.registry.v1.MlflowWebhookDeleted':
        await change(`state = 'deleted', secret = null`);
        break;
    }
    if (event.$typeName === 'vitae.registry.v1.MlflowWebhookDisabled' || event.$typeName === 'vitae.registry.v1.MlflowWebhookDeleted') {
      await sql.query(`update mlflow_webhook_delivery set state = 'dropped', tried_at = coalesce(tried_at, now()) where webhook_id = $1 and state = 'waiting'`, [event.webhookId]);
    }
  }
}

export interface LockedWebhook {
  readonly projectId: string;
  readonly stream: string;
  readonly snapshot: Snapshot<MlflowWebhookState>;
}

/** Locked until the transaction ends. */
export async function lockMlflowWebhook(sql: Sql, id: string): Promise<LockedWebhook | undefined> {
  const [row] = await sql.query<{ projectId: string; stream: string; revision: number; name: string; url: string; events: string[]; state: 'active' | 'disabled' | 'deleted' }>(
    'select project_id as "projectId", stream, revision, name, url, events, state from registry.mlflow_webhook where id = $1 for no key update',
    [id],
  );
  if (!row) return undefined;
  const { projectId, stream, revision, name, url, events, state } = row;
  return { projectId, stream, snapshot: { state: state === 'deleted' ? { is: state, webhookId: id } : { is: state, webhookId: id, name, url, events }, revision } };
}

const SHOWN = `w.id, w.name, w.url, w.description, w.events, w.state, floor(extract(epoch from w.created_at) * 1000)::float8 as "createdAt", floor(extract(epoch from w.updated_at) * 1000)::float8 as "updatedAt"`;

@Injectable()
export class MlflowWebhooks {
  constructor(private readonly em: EntityManager) {}

  async byId(projectId: string, id: string): Promise<MlflowWebhookShown | undefined> {
    const [row] = await sqlOf(this.em.fork()).query<MlflowWebhookShown>(`select ${SHOWN} from registry.mlflow_webhook w where w.project_id = $1 and w.id = $2 and w.state <> 'deleted'`, [projectId, id]);
    return row;
  }

  /** In the order in which they were created. @throws Refused CURSOR_MALFORMED. */
  all(projectId: string, limit: number, after: string): Promise<Page<MlflowWebhookShown>> {
    return keysetPage<MlflowWebhookShown>(this.em, { first: [projectId], keys: () => [{ sql: 'w.id', type: 'uuid', direction: 'asc' }], limit, after }, () => ({ select: SHOWN, from: 'registry.mlflow_webhook w', where: `w.project_id = $1 and w.state <> 'deleted'` }));
  }
}

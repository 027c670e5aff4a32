import { readStream, type RecordedEvent } from '@vitae/event-store';
import { LedgerConsumer, type LedgerHandler, type ViewTransaction } from '@vitae/service-kit';
import { bodyOf, NOTICED, noticeOf, type NoticedEvent } from './notice.ts';

/** Turns what happens to models and prompts into messages for the webhooks of their project that want it: once each, with the bookmark. */
@LedgerConsumer({ name: 'registry.mlflow-webhooks' })
export class MlflowWebhooksConsumer implements LedgerHandler {
  async handle(recorded: RecordedEvent, { sql }: ViewTransaction): Promise<void> {
    if (!NOTICED.has(recorded.event.$typeName)) return;
    const { projectId, recordedAt, index, id } = recorded;
    const event = recorded.event as NoticedEvent;
    const webhooks = await sql.query<{ id: string; events: string[] }>(`select id, events from registry.mlflow_webhook where project_id = $1 and state = 'active' and created_at <= $2`, [projectId, new Date(recordedAt)]);
    if (webhooks.length === 0) return;
    const [model] = await sql.query<{ name: string; prompt: boolean }>(`select name, lower(tags ->> 'mlflow.prompt.is_prompt') is not distinct from 'true' as prompt from registry.model where id = $1`, [event.modelId]);
    const notice = model && noticeOf(event, { name: model.name, isPrompt: model.prompt, ...(await beginning(sql, recorded, event)) });
    if (!notice) return;
    const body = bodyOf(notice, new Date(recordedAt).toISOString());
    for (const webhook of webhooks) {
      if (!webhook.events.includes(notice.type)) continue;
      await sql.query('insert into registry.mlflow_webhook_delivery (webhook_id, index, event_id, type, body) values ($1, $2, $3, $4, $5) on conflict do nothing', [webhook.id, index, id, notice.type, body]);
    }
  }
}

/** The tags that a registration came with, and whether this is one of them: what one request did has one correlation id. */
async function beginning(sql: ViewTransaction['sql'], recorded: RecordedEvent, event: NoticedEvent): Promise<{ readonly tags: Readonly<Record<string, string>>; readonly withRegistration: boolean }> {
  switch (event.$typeName) {
    case 'vitae.registry.v1.ModelRegistered':
    case 'vitae.registry.v1.ModelVersionRegistered':
    case 'vitae.registry.v1.ModelVersionReferenced': {
      const later = (await readStream(sql, recorded.stream, { from: recorded.revision + 1 })) as readonly RecordedEvent<NoticedEvent>[];
      const tags = later.flatMap((one) => (one.correlationId === recorded.correlationId && 'key' in one.event && 'value' in one.event ? [[one.event.key, one.event.value]] : []));
      return { tags: Object.fromEntries(tags) as Record<string, string>, withRegistration: false };
    }
    case 'vitae.registry.v1.ModelTagged':
    case 'vitae.registry.v1.ModelVersionTagged': {
      const rows = await sql.query<{ same: boolean }>(`select metadata::jsonb ->> 'correlationId' = $2 as same from ledger.event where stream = $1 and revision = 1`, [recorded.stream, recorded.correlationId]);
      return { tags: {}, withRegistration: rows[0]?.same === true };
    }
    default:
      return { tags: {}, withRegistration: false };
  }
}

import type { RecordedEvent } from '@vitae/event-store';
import { cloudEventAttributes } from '@vitae/messaging';

export const CLOUD_EVENTS_JSON = 'application/cloudevents+json; charset=utf-8';

/**
 * An event as CloudEvents 1.0 in structured mode: the attributes it has over NATS without their `ce-`, and as `data` the
 * stored bytes, unchanged, so that a receiver can hash them as the ledger does. The event MUST have its index.
 */
export function cloudEvent(event: RecordedEvent): string {
  const said = Object.entries(cloudEventAttributes(event)).filter(([, value]) => value !== '');
  return `${JSON.stringify(Object.fromEntries(said)).slice(0, -1)},"data":${event.payload}}`;
}

/** A message that says nothing of the ledger: for trying out a receiver. */
export function pingEvent(id: string, webhookId: string, projectId: string, time: string): string {
  return JSON.stringify({
    specversion: '1.0',
    id,
    source: `/vitae/${projectId}/ledger`,
    type: 'vitae.webhook.ping',
    time,
    subject: `ledger.Webhook-${webhookId}`,
    datacontenttype: 'application/json',
    data: { webhookId },
  });
}

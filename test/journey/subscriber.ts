import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

/** A CloudEvent as it came over NATS, read without any code of Vitae. */
export interface ReceivedEvent {
  readonly sequence: number;
  readonly index: number;
  readonly id: string;
  readonly type: string;
  readonly subjects: readonly string[];
  readonly payload: unknown;
}

export interface Subscription {
  readonly received: readonly ReceivedEvent[];
  close(): Promise<void>;
}

/** Subscribes to all lifecycle events of one project from now on, as any other system would. */
export async function subscribe(natsUrl: string, projectId: string): Promise<Subscription> {
  const nats = await connect({ servers: natsUrl, name: 'journey-subscriber', maxReconnectAttempts: -1, reconnectTimeWait: 200 });
  const received: ReceivedEvent[] = [];
  const consumer = await jetstream(nats).consumers.get('VITAE_LEDGER', {
    filter_subjects: `vitae.ledger.${projectId}.>`,
    deliver_policy: DeliverPolicy.All,
  });
  const messages = await consumer.consume({
    callback: (message) => {
      const attribute = (name: string): string => decodeURIComponent(message.headers?.get(`ce-${name}`) ?? '');
      received.push({
        sequence: message.seq,
        index: Number(attribute('index')),
        id: attribute('id'),
        type: attribute('type'),
        subjects: attribute('subjects').split(' '),
        payload: message.json(),
      });
    },
  });
  return {
    received,
    async close() {
      await messages.close();
      await nats.close();
    },
  };
}

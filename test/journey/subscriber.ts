import { readFile } from 'node:fs/promises';
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { nkeyAuthenticator, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';

const STREAM = 'VITAE_LEDGER';

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

/** Where the broker is, and with what to come in: the file with the seed of an nkey that may read everything. */
export interface BrokerAccess {
  readonly natsUrl: string;
  readonly natsKeyFile?: string | undefined;
}

/** As whoever looks at the broker from outside comes in. */
export async function connectAsAuditor({ natsUrl, natsKeyFile }: BrokerAccess): Promise<NatsConnection> {
  return connect({
    servers: natsUrl,
    name: 'journey-subscriber',
    inboxPrefix: '_INBOX.auditor',
    ...(natsKeyFile ? { authenticator: nkeyAuthenticator(new TextEncoder().encode((await readFile(natsKeyFile, 'utf8')).trim())) } : {}),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
  });
}

/** Subscribes to all lifecycle events of one project from the first on, as any other system would. */
export async function subscribe({ projectId, ...broker }: BrokerAccess & { readonly projectId: string }): Promise<Subscription> {
  const nats = await connectAsAuditor(broker);
  const received: ReceivedEvent[] = [];
  const manager = await jetstreamManager(nats);
  await manager.consumers.delete(STREAM, 'auditor').catch(() => undefined); // of a run that was killed
  await manager.consumers.add(STREAM, {
    name: 'auditor', // the one that this login may make
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    filter_subject: `vitae.ledger.${projectId}.>`,
    mem_storage: true,
    inactive_threshold: 600_000_000_000, // nanoseconds
  });
  const consumer = await jetstream(nats).consumers.get(STREAM, 'auditor');
  const messages = await consumer.consume({
    callback: (message) => {
      message.ack();
      if (message.seq <= (received.at(-1)?.sequence ?? 0)) return; // comes again, after a connection was lost
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
      await consumer.delete();
      await nats.close();
    },
  };
}

import { AckPolicy, DeliverPolicy, JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
import { nanos, nkeyAuthenticator } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { LEDGER_STREAM } from './ledger-stream.ts';
import { inboxPrefix } from './nats-rights.ts';
import { filtersOf, KEEPER, type Subscriber } from './subscribers.ts';

const CONSUMER_NOT_FOUND = 10014;
const PATIENCE_MS = 3_000;

/** Where the keeper works, and as whom. */
export interface Keeping {
  readonly url: string;
  /** The keeper's seed. */
  readonly seed: string;
}

/**
 * Gives each subscriber its durable, with a filter on its projects, and takes those away that are not wanted any more. May be
 * done again at any time: what is right stays, with the place up to which it was read.
 * @throws when the server cannot be asked, or has no stream yet.
 */
export async function keepDurables({ url, seed }: Keeping, wanted: readonly Subscriber[], unwanted: readonly string[]): Promise<void> {
  const nats = await connect({ servers: url, authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)), inboxPrefix: inboxPrefix(KEEPER), timeout: PATIENCE_MS, reconnect: false });
  try {
    const { consumers } = await jetstreamManager(nats, { checkAPI: false });
    for (const subscriber of wanted) {
      const filter_subjects = filtersOf(subscriber);
      const there = await consumers.info(LEDGER_STREAM, subscriber.name).catch(unlessMissing);
      if (!there) {
        await consumers.add(LEDGER_STREAM, { durable_name: subscriber.name, ack_policy: AckPolicy.Explicit, deliver_policy: DeliverPolicy.All, filter_subjects, max_ack_pending: 1, ack_wait: nanos(30_000) });
      } else if (JSON.stringify(there.config.filter_subjects?.toSorted()) !== JSON.stringify(filter_subjects)) {
        await consumers.update(LEDGER_STREAM, subscriber.name, { filter_subjects });
      }
    }
    for (const name of unwanted) await consumers.delete(LEDGER_STREAM, name).catch(unlessMissing);
  } finally {
    await nats.close();
  }
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof JetStreamApiError && error.code === CONSUMER_NOT_FOUND) return undefined;
  throw error;
}

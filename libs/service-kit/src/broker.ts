import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { hinting } from '@vitae/messaging';

/** The service's connection to NATS. It reconnects for ever: NATS may go, be emptied and come back. */
export class Broker {
  /** Tells the sequencer that something was committed. MUST be called after the commit. */
  readonly hint: () => void;

  private constructor(readonly nats: NatsConnection) {
    this.hint = hinting(nats);
  }

  /** @throws with the address (never its password) when no server answers. */
  static async open(service: string, address: string): Promise<Broker> {
    const url = new URL(address);
    const login = url.username === '' ? {} : { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) };
    const nats = await connect({
      servers: url.host,
      name: `vitae-${service}`,
      ...login,
      ...(url.protocol === 'tls:' ? { tls: {} } : {}),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
      reconnectJitter: 200,
    }).catch((cause: unknown) => {
      throw new Error(`${service} cannot reach NATS at ${url.host}: ${(cause as Error).message}. Start it, or correct NATS_URL.`, { cause });
    });
    return new Broker(nats);
  }

  /** Rejects unless the server answers. */
  async check(): Promise<void> {
    if (this.nats.isClosed()) throw new Error('the connection is closed');
    await this.nats.flush();
  }

  /** Sends what is still held, lets subscriptions finish, and closes; at once when the server is away. */
  async drain(): Promise<void> {
    if (this.nats.isClosed()) return;
    const late = AbortSignal.timeout(DRAIN_PATIENCE);
    const gaveUp = new Promise<void>((resolve) => late.addEventListener('abort', () => resolve()));
    await Promise.race([this.nats.drain().catch(() => undefined), this.nats.closed(), gaveUp]);
    await this.nats.close();
  }
}

/** Longest that a drain may take, in milliseconds. */
const DRAIN_PATIENCE = 2_000;

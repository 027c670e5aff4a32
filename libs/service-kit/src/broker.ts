import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { hintAppended } from '@vitae/messaging';

/** The service's connection to NATS. It reconnects for ever: NATS may go, be emptied and come back. */
export class Broker {
  #hinting = false;

  private constructor(readonly nats: NatsConnection) {}

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

  /**
   * Tells the sequencer that something was committed; many calls within one turn give one message.
   * MUST be called after the commit. Harmless when it fails: the sequencer polls as well.
   */
  hint(): void {
    if (this.#hinting) return;
    this.#hinting = true;
    setImmediate(() => {
      this.#hinting = false;
      try {
        hintAppended(this.nats);
      } catch {
        // the connection is closing or its buffer is full; polling will find the event
      }
    });
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

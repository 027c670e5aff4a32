import { readFile } from 'node:fs/promises';
import { nkeyAuthenticator, nkeys, type ConnectionOptions, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { hinting, inboxPrefix } from '@vitae/messaging';
import type { BaseConfig } from './config.ts';

/** The settings about NATS. */
export type BrokerSettings = Pick<BaseConfig, 'NATS_URL' | 'NATS_NKEY_FILE' | 'NATS_CA_FILE' | 'NATS_CERT_FILE' | 'NATS_KEY_FILE'>;

/** The service's connection to NATS. It reconnects for ever: NATS may go, be emptied and come back. */
export class Broker {
  /** Tells the sequencer that something was committed. MUST be called after the commit. */
  readonly hint: () => void;

  private constructor(readonly nats: NatsConnection) {
    this.hint = hinting(nats);
  }

  /** @throws with the address (never its password) when no server answers, or it does not let us in. */
  static async open(service: string, settings: BrokerSettings): Promise<Broker> {
    const url = new URL(settings.NATS_URL ?? '');
    const [login, tls] = await Promise.all([loginOf(url, settings.NATS_NKEY_FILE), tlsOf(url, settings)]);
    const nats = await connect({
      servers: url.host,
      name: `vitae-${service}`,
      ...login,
      ...tls,
      inboxPrefix: inboxPrefix(service),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
      reconnectJitter: 200,
    }).catch((cause: unknown) => {
      throw new Error(`${service} cannot reach NATS at ${url.host}: ${(cause as Error).message}. Start it, or correct NATS_URL${settings.NATS_NKEY_FILE ? ' or NATS_NKEY_FILE' : ''}.`, { cause });
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

/** By nkey, where there is one: the seed never leaves this process, the server asks for a signature. Else by what the address says. */
async function loginOf(url: URL, nkeyFile: string | undefined): Promise<ConnectionOptions> {
  if (nkeyFile !== undefined) {
    const seed = new TextEncoder().encode(await secretIn(nkeyFile, 'NATS_NKEY_FILE'));
    try {
      nkeys.fromSeed(seed);
    } catch {
      throw new Error(`${nkeyFile}, which NATS_NKEY_FILE names, holds no nkey of a user.`);
    }
    return { authenticator: nkeyAuthenticator(seed) };
  }
  return url.username === '' ? {} : { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) };
}

/** With `tls://` the server must show a certificate that an authority of ours vouches for, in the name of the address. */
async function tlsOf(url: URL, { NATS_CA_FILE: ca, NATS_CERT_FILE: cert, NATS_KEY_FILE: key }: BrokerSettings): Promise<ConnectionOptions> {
  if (url.protocol !== 'tls:') return {};
  return {
    tls: {
      ...(ca === undefined ? {} : { ca: await secretIn(ca, 'NATS_CA_FILE') }),
      ...(cert === undefined || key === undefined ? {} : { cert: await secretIn(cert, 'NATS_CERT_FILE'), key: await secretIn(key, 'NATS_KEY_FILE') }),
    },
  };
}

async function secretIn(file: string, variable: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`The file ${file}, which ${variable} names, cannot be read: ${cause.code}.`, { cause });
  });
  return text.trim();
}

/** Longest that a drain may take, in milliseconds. */
const DRAIN_PATIENCE = 2_000;

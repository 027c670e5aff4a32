import { lookup as systemLookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { Agent, buildConnector, request } from 'undici';
import { ipLiteral } from './address.ts';
import { retryAfter, type Attempt } from './retry.ts';

/** What one POST met. */
export interface Posted {
  readonly attempt: Attempt;
  /** The first kilobyte of the answer. */
  readonly response?: string;
  readonly durationMs: number;
}

export interface Poster {
  /** Sends once. Never throws: what went wrong is the answer. */
  post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<Posted>;
  /** Breaks off what is under way. */
  close(): Promise<void>;
}

export interface PosterOptions {
  /** For everything from the name's resolution to the last byte that is read, in milliseconds. */
  readonly timeoutMs: number;
  /** Why an IP address must not be connected to, or undefined. Asked of every address, each time. */
  readonly forbidden: (address: string) => string | undefined;
  /** All addresses of a name. Default: as the system resolves it. */
  readonly resolve?: Resolve;
  /** Certificates to trust instead of the system's. */
  readonly ca?: string;
}
export type Resolve = (hostname: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;

const EXCERPT = 1_024;

/**
 * The way out to receivers that strangers choose. Every connection resolves the name itself, judges all its addresses,
 * and goes to one of exactly those: there is no second look-up that could answer differently (DNS rebinding). The name
 * stays in Host, SNI and the certificate's check. Redirects are not followed and no proxy is asked.
 */
export function openPoster({ timeoutMs, forbidden, resolve = systemResolve, ca }: PosterOptions): Poster {
  const lookup: LookupFunction = (hostname, { all }, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const why = addresses.map(({ address }) => forbidden(address)).find((reason) => reason !== undefined);
        const [first] = addresses;
        if (why !== undefined) callback(new Error(`${hostname} is ${why}`), []);
        else if (!first) callback(new Error(`${hostname} has no address`), []);
        else if (all) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };
  const byName = buildConnector({ lookup, timeout: timeoutMs, allowH2: false, ...(ca === undefined ? {} : { ca }) });
  const connect: buildConnector.connector = (options, callback) => {
    const literal = ipLiteral(options.hostname); // Node asks nobody about an address, so lookup never sees it
    const why = literal === undefined ? undefined : forbidden(literal);
    if (why === undefined) byName(options, callback);
    else callback(new Error(why), null);
  };
  const agent = new Agent({ connect, pipelining: 1, maxHeaderSize: 16_384, keepAliveTimeout: 4_000 });

  return {
    async post(url, headers, body) {
      const started = performance.now();
      const done = (attempt: Attempt, response?: string): Posted => ({
        attempt,
        ...(response === undefined ? {} : { response }),
        durationMs: Math.round(performance.now() - started),
      });
      try {
        const signal = AbortSignal.timeout(timeoutMs);
        const answer = await request(url, { dispatcher: agent, method: 'POST', headers: { ...headers, 'user-agent': 'Vitae-Webhooks/1' }, body, signal });
        const excerpt = await beginning(answer.body);
        const header = answer.headers['retry-after'];
        const wait = retryAfter(Array.isArray(header) ? header[0] : header, Date.now());
        return done({ type: 'answered', status: answer.statusCode, ...(wait === undefined ? {} : { retryAfterMs: wait }) }, excerpt);
      } catch (error) {
        return done({ type: 'failed', error: messageOf(error, timeoutMs) });
      }
    },
    close: () => agent.destroy(),
  };
}

const systemResolve: Resolve = (hostname) => systemLookup(hostname, { all: true });

/** At most a kilobyte, whatever is sent, and as much as came when the rest does not come. */
async function beginning(body: AsyncIterable<Buffer> & { destroy(): unknown }): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= EXCERPT) break;
    }
  } catch {
    // The status has come, and that is what counts.
  } finally {
    body.destroy();
  }
  return Buffer.concat(chunks).subarray(0, EXCERPT).toString('utf8').replaceAll('\u0000', '');
}

function messageOf(error: unknown, timeoutMs: number): string {
  const { name, message, code, errors } = error as Error & { code?: string; errors?: readonly Error[] };
  if (name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  return (message || errors?.[0]?.message || code || name).slice(0, 1_000);
}

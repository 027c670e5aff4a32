import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { problemOf, VitaeUnreachable } from './problem.ts';
import { mayBeRepeated, USUAL_RETRIES, waitBefore, type RetryPolicy } from './retry.ts';

/**
 * Gives the token of a request. It is asked for each, and once more after a 401, with the token that was refused: one that
 * can be had anew is then to be had anew. What it throws the caller gets.
 */
export type TokenProvider = (refused?: string) => Promise<string>;

/** Which Vitae, and who asks. */
export interface ConnectionOptions {
  /** The front door, such as `http://127.0.0.1:7400/api`. */
  readonly url: string;
  /** An access token of the issuer, or an API token; sent as bearer. */
  readonly token?: string | TokenProvider | undefined;
  readonly retry?: RetryPolicy;
  /** In place of the global one. */
  readonly fetch?: typeof fetch;
}

/** What may be said with a command, beyond the command. */
export interface CommandOptions {
  /** Why; it is kept in the ledger. */
  readonly reason?: string | undefined;
  /** The revision that it was decided on: another one is refused with 412. */
  readonly ifMatch?: number | undefined;
  /** One is made unless given. The same key and request give the same answer, once: keep it to repeat a command after a crash. */
  readonly idempotencyKey?: string | undefined;
}

/** Empty without a token. */
export type Identity = { readonly authorization?: string };

export interface Connection {
  readonly options: ConnectionOptions;
  /** The address of a service behind the front door. */
  addressOf(service: string): string;
  /** The headers that say who asks; anew when they were refused. */
  identity(refused?: Identity): Promise<Identity>;
  /**
   * Sends with identity, and again what may be repeated.
   * @throws VitaeProblem when the answer is no success, VitaeUnreachable when there is none.
   */
  send(request: Request): Promise<Response>;
}

export function connect(options: ConnectionOptions): Connection {
  const { retry = USUAL_RETRIES, fetch: fetchIt = fetch } = options;
  const front = options.url.replace(/\/+$/, '');

  async function identity(refused?: Identity): Promise<Identity> {
    const { token } = options;
    if (token === undefined) return {};
    return { authorization: `${BEARER}${typeof token === 'string' ? token : await token(refused?.authorization?.slice(BEARER.length))}` };
  }

  async function send(request: Request): Promise<Response> {
    if (request.method !== 'GET' && request.method !== 'HEAD' && !request.headers.has('idempotency-key')) request.headers.set('idempotency-key', randomUUID());
    const repeatable = mayBeRepeated({ method: request.method, idempotencyKey: request.headers.get('idempotency-key') });
    let who = await identity();
    let asked = false;
    for (let attempt = 1; ; attempt += 1) {
      for (const [name, value] of Object.entries(who)) request.headers.set(name, value);
      const answer = await fetchIt(request.clone()).catch((error: unknown) => error as Error);
      if (answer instanceof Response && answer.ok) return answer;
      request.signal.throwIfAborted();
      if (answer instanceof Response && !asked && isOfToken(answer.status, answer.headers.get('www-authenticate'))) {
        asked = true;
        const next = await identity(who);
        if (next.authorization !== who.authorization) {
          await answer.body?.cancel();
          who = next;
          attempt -= 1; // it counts as none: who is not let in has done nothing
          continue;
        }
      }
      const attempted = answer instanceof Response ? { status: answer.status, retryAfter: answer.headers.get('retry-after') } : 'no answer';
      const wait = repeatable ? waitBefore(attempt, attempted, retry, Math.random()) : undefined;
      if (wait === undefined) throw answer instanceof Response ? problemOf(answer.status, answer.statusText, request.url, await answer.text(), answer.headers.get('www-authenticate')) : new VitaeUnreachable(request.url, { cause: answer });
      if (answer instanceof Response) await answer.body?.cancel();
      await sleep(wait, undefined, { signal: request.signal });
    }
  }

  return { options, identity, addressOf: (service) => `${front}/${service}`, send };
}

const BEARER = 'Bearer ';

/** Whether another token may help. When somebody has to log in again (RFC 9470), a renewed one is as old as before. */
export const isOfToken = (status: number, challenge: string | null | undefined): boolean => status === 401 && !challenge?.includes('insufficient_user_authentication');

/** The headers of a command. */
export function commandHeaders({ reason, ifMatch, idempotencyKey }: CommandOptions): Record<string, string> {
  return {
    ...(reason === undefined ? {} : { 'vitae-reason': encodeURIComponent(reason) }),
    ...(ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` }),
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
  };
}

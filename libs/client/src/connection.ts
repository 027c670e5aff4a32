import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { problemOf, VitaeUnreachable } from './problem.ts';
import { mayBeRepeated, USUAL_RETRIES, waitBefore, type RetryPolicy } from './retry.ts';

/** Which Vitae, and who asks. */
export interface ConnectionOptions {
  /** The front door, such as `http://127.0.0.1:7400/api`. */
  readonly url: string;
  /** Who asks: `human/dana`, `machine/ci`. Believed in local mode only. */
  readonly actor?: string | undefined;
  /** Sent as a bearer token. */
  readonly token?: string | undefined;
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

export interface Connection {
  readonly options: ConnectionOptions;
  /** The address of a service behind the front door. */
  addressOf(service: string): string;
  /** Says who asks. */
  readonly identity: Readonly<Record<string, string>>;
  /**
   * Sends with identity, and again what may be repeated.
   * @throws VitaeProblem when the answer is no success, VitaeUnreachable when there is none.
   */
  send(request: Request): Promise<Response>;
}

export function connect(options: ConnectionOptions): Connection {
  const { retry = USUAL_RETRIES, fetch: fetchIt = fetch } = options;
  const front = options.url.replace(/\/+$/, '');
  const identity = {
    ...(options.actor === undefined ? {} : { 'vitae-actor': options.actor }),
    ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
  };

  async function send(request: Request): Promise<Response> {
    for (const [name, value] of Object.entries(identity)) request.headers.set(name, value);
    if (request.method !== 'GET' && request.method !== 'HEAD' && !request.headers.has('idempotency-key')) request.headers.set('idempotency-key', randomUUID());
    const repeatable = mayBeRepeated({ method: request.method, idempotencyKey: request.headers.get('idempotency-key') });
    for (let attempt = 1; ; attempt += 1) {
      const answer = await fetchIt(request.clone()).catch((error: unknown) => error as Error);
      if (answer instanceof Response && answer.ok) return answer;
      request.signal.throwIfAborted();
      const attempted = answer instanceof Response ? { status: answer.status, retryAfter: answer.headers.get('retry-after') } : 'no answer';
      const wait = repeatable ? waitBefore(attempt, attempted, retry, Math.random()) : undefined;
      if (wait === undefined) throw answer instanceof Response ? problemOf(answer.status, answer.statusText, request.url, await answer.text()) : new VitaeUnreachable(request.url, { cause: answer });
      if (answer instanceof Response) await answer.body?.cancel();
      await sleep(wait, undefined, { signal: request.signal });
    }
  }

  return { options, identity, addressOf: (service) => `${front}/${service}`, send };
}

/** The headers of a command. */
export function commandHeaders({ reason, ifMatch, idempotencyKey }: CommandOptions): Record<string, string> {
  return {
    ...(reason === undefined ? {} : { 'vitae-reason': encodeURIComponent(reason) }),
    ...(ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` }),
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
  };
}

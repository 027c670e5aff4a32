import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PersonaId, Session } from '@vitae/local';

/** A person of the story: somebody of the local OpenID provider, who logs in there. */
export interface Person {
  readonly name: PersonaId;
  readonly does: string;
}

/** What a service answered that was not a success. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly request: string,
    readonly status: number,
    readonly problem: { readonly type?: string; readonly detail?: string; readonly title?: string },
  ) {
    super(`${request} was answered ${status}: ${problem.detail ?? problem.title ?? 'no problem document'}`);
  }

  /** Last part of the problem's type, e.g. `permit-missing`. */
  get slug(): string {
    return this.problem.type?.split('/').at(-1) ?? '';
  }
}

export interface Call {
  readonly as: Person;
  readonly why?: string;
  readonly body?: unknown;
  /** Raw bytes instead of JSON. */
  readonly bytes?: { readonly content: Uint8Array; readonly type: string };
}

/** The public HTTP API through the front door, in one project, as a careful client uses it. */
export interface Api {
  readonly projectId: string;
  get<T>(path: string, as: Person): Promise<T>;
  post<T>(path: string, call: Call): Promise<T>;
  put<T>(path: string, call: Call): Promise<T>;
  /** The id that events have in place of a person's name. */
  idOf(person: Person): Promise<string>;
  /** Asks who those ids of events are. A service's id is its name; of a person only governance tells it, and only to who may see names. */
  namesOf(ids: readonly string[], as: Person): Promise<(id: string) => string>;
  /** Open Inference Protocol; answers the variant that served it, too. */
  infer(endpoint: string, requestId: string, inputs: unknown, as: Person): Promise<{ variant: string; outputs: unknown }>;
}

/** A service that is restarted comes back within seconds; a minute without it is a failure. */
const PATIENCE_MS = 60_000;

/**
 * Repeats a request that met a dead or starting service, under the same idempotency key: so a command
 * is carried out once however often it is sent. Who is asked to log in again, because the last time is too long ago for
 * what she wants to decide, does so, once. Anything else than 2xx then throws ApiError.
 */
export function api(frontDoor: string, projectId: string, sessionOf: (person: PersonaId) => Session, signal: AbortSignal): Api {
  const ids = new Map<PersonaId, Promise<string>>();
  const url = (path: string): string => {
    const [, service, rest] = /^\/([a-z]+)\/(.*)$/.exec(path) ?? [];
    return `${frontDoor}/api/${service}/v1/projects/${projectId}/${rest}`;
  };

  async function request(target: string, as: Person, init: RequestInit = {}): Promise<Response> {
    const end = performance.now() + PATIENCE_MS;
    const session = sessionOf(as.name);
    let loggedInAgain = false;
    for (;;) {
      signal.throwIfAborted();
      const what = `${init.method ?? 'GET'} ${target.slice(frontDoor.length)}`;
      try {
        const headers = { ...init.headers, Authorization: `Bearer ${await session.accessToken()}` };
        const response = await fetch(target, { ...init, headers, signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]) });
        if (response.ok) return response;
        if (!loggedInAgain && response.headers.get('www-authenticate')?.includes('insufficient_user_authentication')) {
          loggedInAgain = true;
          await response.body?.cancel();
          await session.logInAgain();
          continue;
        }
        const problem = (await response.json().catch(() => ({}))) as { detail?: string; error?: string };
        const error = new ApiError(what, response.status, { ...problem, ...(problem.error ? { detail: problem.error } : {}) });
        if (![502, 503, 504].includes(response.status) || performance.now() > end) throw error;
      } catch (error) {
        if (error instanceof ApiError || signal.aborted || performance.now() > end) throw error;
      }
      await sleep(200, undefined, { signal });
    }
  }

  async function send<T>(method: 'POST' | 'PUT', path: string, { as, why, body, bytes }: Call): Promise<T> {
    const response = await request(url(path), as, {
      method,
      headers: {
        'Content-Type': bytes?.type ?? 'application/json',
        'Idempotency-Key': randomUUID(),
        ...(why === undefined ? {} : { 'Vitae-Reason': encodeURIComponent(why) }),
      },
      body: bytes ? (bytes.content as Uint8Array<ArrayBuffer>) : JSON.stringify(body ?? {}),
    });
    return (await response.json()) as T;
  }

  async function whoAmI(person: Person): Promise<string> {
    const { id } = (await (await request(`${frontDoor}/api/governance/v1/whoami`, person)).json()) as { id: string };
    return id;
  }

  return {
    projectId,
    async get<T>(path: string, as: Person): Promise<T> {
      return (await (await request(url(path), as)).json()) as T;
    },
    post: (path, call) => send('POST', path, call),
    put: (path, call) => send('PUT', path, call),
    idOf(person) {
      const known = ids.get(person.name) ?? whoAmI(person);
      ids.set(person.name, known);
      return known;
    },
    async namesOf(ids, as) {
      const people = [...new Set(ids)].filter((id) => id.startsWith('psn_'));
      const { items } = people.length === 0 ? { items: [] } : ((await (await request(`${frontDoor}/api/governance/v1/people?ids=${people.join(',')}`, as)).json()) as { items: { id: string; name: string }[] });
      const names = new Map(items.map(({ id, name }) => [id, name]));
      const nobody = people.find((id) => !names.get(id));
      if (nobody !== undefined) throw new Error(`governance does not know who ${nobody} is`);
      return (id) => names.get(id) ?? id;
    },
    async infer(endpoint, requestId, inputs, as) {
      const response = await request(`${frontDoor}/v2/models/${endpoint}/infer`, as, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Request-Id': requestId },
        body: JSON.stringify({ id: requestId, inputs }),
      });
      return { variant: response.headers.get('vitae-variant') ?? '', outputs: ((await response.json()) as { outputs: unknown }).outputs };
    },
  };
}

/** Looks again and again until `look` gives something; says what it waited for when it never does. */
export async function until<T>(what: string, signal: AbortSignal, look: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + 2 * PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await sleep(100, undefined, { signal });
  }
}

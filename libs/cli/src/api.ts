import { Option, type Command } from 'commander';
import { CannotRun, ProblemFound } from './outcome.ts';

/** Where the front door is, and who asks: the options of every command that speaks to a running Vitae. */
export interface ApiOptions {
  readonly url: string;
  /** `<kind>/<id>`, e.g. `human/dana`; sent as Vitae-Actor. */
  readonly as?: string;
}

export interface ApiRequest {
  /** GET unless told. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Why, in the actor's words; sent as Vitae-Reason. */
  readonly reason?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Adds `--url` (or VITAE_URL) and `--as` (or VITAE_ACTOR). */
export function withApi(command: Command): Command {
  return command
    .addOption(new Option('--url <url>', 'the front door of Vitae').env('VITAE_URL').default('http://127.0.0.1:7400/api'))
    .addOption(new Option('--as <actor>', 'who asks, such as human/dana or service/ci').env('VITAE_ACTOR'));
}

/**
 * Asks a service through the front door. `path` is `<service>/v1/…`; percent-encode what goes into it.
 * Throws ProblemFound with `title: detail` when the service refuses, CannotRun when nothing answers.
 */
export async function callApi(options: ApiOptions, path: string, request: ApiRequest = {}): Promise<Response> {
  const url = `${options.url.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`;
  const response = await fetch(url, {
    method: request.method ?? 'GET',
    headers: {
      ...(options.as === undefined ? {} : { 'vitae-actor': options.as }),
      ...(request.reason === undefined ? {} : { 'vitae-reason': encodeURIComponent(request.reason) }),
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...request.headers,
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  }).catch((error: unknown) => {
    throw new CannotRun(`${url} does not answer (${causeOf(error)}). Start Vitae with \`npm start\`, or name its front door with --url or VITAE_URL.`, { cause: error });
  });
  if (!response.ok) throw new ProblemFound(await problemOf(response));
  return response;
}

/** As callApi, and reads the answer as JSON. */
export async function callApiJson<Answer>(options: ApiOptions, path: string, request: ApiRequest = {}): Promise<Answer> {
  const response = await callApi(options, path, { ...request, headers: { accept: 'application/json', ...request.headers } });
  return (await response.json()) as Answer;
}

/** RFC 9457 problem details as one line; else status and address. */
async function problemOf(response: Response): Promise<string> {
  const plain = `${response.status} ${response.statusText} from ${response.url}`;
  if (!response.headers.get('content-type')?.includes('json')) return plain;
  const { title, detail } = (await response.json().catch(() => ({}))) as { title?: string; detail?: string };
  if (title === undefined) return plain;
  return detail === undefined ? title : `${title}: ${detail}`;
}

/** `fetch` only says "fetch failed"; the reason is in its cause. */
function causeOf(error: unknown): string {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause;
  return cause?.code ?? cause?.message ?? (error as Error).message;
}

import { isOfToken, problemOf, VitaeUnreachable, type TokenProvider } from '@vitae/client';
import { Option, type Command } from 'commander';
import { tokenFor } from './token-for.ts';

/** Where the front door is: the option of every command that speaks to a running Vitae. Who asks `token-for.ts` knows. */
export interface ApiOptions {
  readonly url: string;
  /** In place of that; no command has an option for it. */
  readonly token?: string | TokenProvider;
}

export interface ApiRequest {
  /** GET unless told. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Why, in the actor's words; sent as Vitae-Reason. */
  readonly reason?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Adds `--url` (or VITAE_URL). */
export function withApi(command: Command): Command {
  return command.addOption(new Option('--url <url>', 'the front door of Vitae').env('VITAE_URL').default('http://127.0.0.1:7400/api'));
}

/**
 * Asks a service through the front door. `path` is `<service>/v1/…`; percent-encode what goes into it.
 * Throws VitaeProblem when the service refuses, VitaeUnreachable when nothing answers, CannotRun when nobody is logged in.
 */
export async function callApi(options: ApiOptions, path: string, request: ApiRequest = {}): Promise<Response> {
  const url = `${options.url.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`;
  const { token: given } = options;
  const provider: TokenProvider = typeof given === 'string' ? async () => given : (given ?? tokenFor(options.url));
  const attempt = (token: string): Promise<Response> =>
    fetch(url, {
      method: request.method ?? 'GET',
      headers: {
        authorization: `Bearer ${token}`,
        ...(request.reason === undefined ? {} : { 'vitae-reason': encodeURIComponent(request.reason) }),
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...request.headers,
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    }).catch((cause: unknown) => {
      throw new VitaeUnreachable(url, { cause });
    });

  const token = await provider();
  let response = await attempt(token);
  if (isOfToken(response.status, response.headers.get('www-authenticate'))) {
    const another = await provider(token);
    if (another !== token) {
      await response.body?.cancel();
      response = await attempt(another);
    }
  }
  if (!response.ok) throw problemOf(response.status, response.statusText, url, await response.text(), response.headers.get('www-authenticate'));
  return response;
}

/** As callApi, and reads the answer as JSON. */
export async function callApiJson<Answer>(options: ApiOptions, path: string, request: ApiRequest = {}): Promise<Answer> {
  const response = await callApi(options, path, { ...request, headers: { accept: 'application/json', ...request.headers } });
  return (await response.json()) as Answer;
}

import { request as ask, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Where it was in the end. */
  readonly url: string;
  json<T = Record<string, unknown>>(): T;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
}

/** One request, exactly as written: no path is tidied up, no header added but Host and what the body needs. */
export function send(base: string, path: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<Answer> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const asking = ask({ hostname, port, path, method, headers: { ...(body === undefined ? {} : { 'content-length': body.length }), ...headers }, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => void chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text, url: `${base}${path}`, json: () => JSON.parse(text) });
      });
    });
    asking.on('error', reject);
    asking.end(body);
  });
}

/** A browser as far as the door can tell: it keeps cookies by name, path and host (cookies know no ports), and follows redirects. */
export class Browser {
  readonly cookies = new Map<string, { readonly value: string; readonly path: string; readonly line: string }>();

  async go(url: string, asked: Asked = {}): Promise<Answer> {
    let answer = await this.once(url, asked);
    for (let hops = 0; hops < 12 && answer.headers.location !== undefined; hops += 1) answer = await this.once(new URL(answer.headers.location, answer.url).href);
    return answer;
  }

  /** Without following. */
  async once(url: string, { headers = {}, ...asked }: Asked = {}): Promise<Answer> {
    const { origin, pathname, search } = new URL(url);
    const cookie = this.header(pathname);
    const answer = await send(origin, `${pathname}${search}`, { ...asked, headers: { accept: 'text/html', ...(cookie === '' ? {} : { cookie }), ...headers } });
    this.take(answer.headers['set-cookie']);
    return answer;
  }

  take(lines: readonly string[] = []): void {
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      const path = /; ?path=([^;]*)/i.exec(line)?.[1] ?? '/';
      const expires = /; ?expires=([^;]*)/i.exec(line)?.[1];
      if (/; ?max-age=0(;|$)/i.test(line) || (expires !== undefined && Date.parse(expires) <= Date.now())) this.cookies.delete(name);
      else this.cookies.set(name, { value, path, line });
    }
  }

  header = (pathname = '/'): string => [...this.cookies].filter(([, { path }]) => pathname.startsWith(path)).map(([name, { value }]) => `${name}=${value}`).join('; ');

  /** The same cookies in a second place, as somebody has who copied them. */
  copy(): Browser {
    const other = new Browser();
    for (const [name, cookie] of this.cookies) other.cookies.set(name, cookie);
    return other;
  }
}

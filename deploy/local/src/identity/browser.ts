// As much of a browser as logging in takes: cookies, redirects, forms.

export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly text: string;
  /** Whether a redirect led to another origin. That page is not fetched: `url` is what counts then. */
  readonly left: boolean;
  readonly headers: Headers;
}

export interface Browser {
  /** Fetches a page, or posts a form there, and follows the redirects. */
  open(url: URL, form?: Readonly<Record<string, string>>): Promise<Page>;
}

const MOST_REDIRECTS = 10;

export function browser(): Browser {
  const cookies = new Map<string, string>();

  async function fetchOne(url: URL, form?: Readonly<Record<string, string>>): Promise<Response> {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { accept: 'text/html', cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value) cookies.set(name, value);
      else cookies.delete(name);
    }
    return response;
  }

  async function open(start: URL, form?: Readonly<Record<string, string>>): Promise<Page> {
    let url = start;
    let response = await fetchOne(url, form);
    for (let redirects = 0; response.headers.has('location'); redirects += 1) {
      if (redirects === MOST_REDIRECTS) throw new Error(`${start.href} redirects more than ${MOST_REDIRECTS} times.`);
      url = new URL(response.headers.get('location') ?? '', url);
      if (url.origin !== start.origin) return { url, status: response.status, text: '', left: true, headers: response.headers };
      response = await fetchOne(url);
    }
    return { url, status: response.status, text: await response.text(), left: false, headers: response.headers };
  }
  return { open };
}

/** What is read on a page, shortened for an error message. */
export const wordsOf = ({ text }: Page): string => text.replace(/<style>.*<\/style>|<[^>]+>/gs, ' ').replace(/\s+/g, ' ').trim().slice(0, 300);

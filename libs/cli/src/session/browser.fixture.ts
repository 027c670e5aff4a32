// A browser, as far as logging in needs one: it follows redirects, keeps cookies for each origin, and fills in forms.

export interface Browser {
  /** Goes to an address and answers every form, until there is none. Returns the last page. */
  visit(address: string): Promise<{ readonly url: string; readonly status: number; readonly text: string }>;
}

export function newBrowser({ login = 'ben', refuses = false }: { readonly login?: string; readonly refuses?: boolean } = {}): Browser {
  const cookies = new Map<string, Map<string, string>>();

  async function load(address: string, form?: URLSearchParams): Promise<{ url: string; status: number; text: string }> {
    const { origin } = new URL(address);
    const jar = cookies.get(origin) ?? new Map<string, string>();
    cookies.set(origin, jar);
    const response = await fetch(address, {
      redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form ? { method: 'POST', body: form } : {}),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === '') jar.delete(name);
      else jar.set(name, value);
    }
    const next = response.headers.get('location');
    if (next === null) return { url: address, status: response.status, text: await response.text() };
    return load(new URL(next, address).href);
  }

  return {
    async visit(address) {
      let page = await load(address);
      for (let forms = 0; forms < 10; forms += 1) {
        const [form] = /<form[^]*?<\/form>/i.exec(page.text) ?? [];
        if (form === undefined) return page;
        const cancel = /href="([^"]*\/abort)"/.exec(page.text)?.[1];
        if (refuses && cancel !== undefined) return load(new URL(cancel, page.url).href);
        page = await load(new URL(unescaped(/action="([^"]*)"/.exec(form)?.[1] ?? ''), page.url).href, filled(form, login));
      }
      throw new Error(`${address} asks for ever: ${page.text}`);
    },
  };
}

function filled(form: string, login: string): URLSearchParams {
  const values = new URLSearchParams();
  for (const [input] of form.matchAll(/<(?:input|button)[^>]*>/gi)) {
    const attribute = (name: string): string | undefined => new RegExp(`\\s${name}="([^"]*)"`).exec(input)?.[1];
    const name = attribute('name');
    if (name === undefined || attribute('value') === 'yes' && name === 'abort') continue;
    values.set(name, name === 'login' ? login : name === 'password' ? 'any' : unescaped(attribute('value') ?? ''));
  }
  return values;
}

const unescaped = (text: string): string => text.replaceAll('&amp;', '&').replaceAll('&#x3D;', '=');

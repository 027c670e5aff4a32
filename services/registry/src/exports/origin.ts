/** The parts of a request that say how its sender reached us. */
interface Reached {
  readonly protocol: string;
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
}

/**
 * The address under which the sender of a request finds this service, also through a proxy that says so. It is only ever
 * shown to that sender; a header that is no host is not believed.
 */
export function originOf({ protocol, headers }: Reached): string {
  const host = first(headers['x-forwarded-host']) ?? first(headers['host']) ?? '';
  const scheme = first(headers['x-forwarded-proto']) ?? protocol;
  const path = prefixOf({ headers });
  return /^[A-Za-z0-9.-]+(:\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](:\d{1,5})?$/.test(host) && /^https?$/.test(scheme) ? `${scheme}://${host}${path}` : path;
}

/** What a proxy took off the path, and whoever follows a link has to put before it again; empty without a proxy. */
export function prefixOf({ headers }: Pick<Reached, 'headers'>): string {
  const prefix = first(headers['x-forwarded-prefix']) ?? '';
  return /^(\/[A-Za-z0-9._-]+)+$/.test(prefix) ? prefix : '';
}

const first = (header: string | readonly string[] | undefined): string | undefined => (typeof header === 'string' ? header : header?.[0])?.split(',')[0]?.trim();

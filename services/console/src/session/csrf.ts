/** What of a request tells whether a page of ours sent it. */
export interface Sender {
  readonly method: string;
  /** Sec-Fetch-Site: browsers say it, pages cannot. */
  readonly site: string | undefined;
  readonly origin: string | undefined;
  /** Whether the request has the token of its session. */
  readonly hasToken: boolean;
}

const READING = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Why a request with a session cookie may have been sent by somebody else's page; undefined when our own sent it. All that is there has to
 * agree: an old browser says no site, some say no origin, and the token is always asked for.
 */
export function csrfFault({ method, site, origin, hasToken }: Sender, own: string): string | undefined {
  if (READING.has(method)) return undefined;
  if (site !== undefined && site !== 'same-origin') return 'it was sent from another site (Sec-Fetch-Site)';
  if (origin !== undefined && origin !== own) return `it was sent from another origin than ${own}`;
  return hasToken ? undefined : 'X-CSRF-Token is missing or is not the one of this session; GET /auth/session tells it';
}

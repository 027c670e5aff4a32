/** What pages of other origins may send and read, where their origin is named. Never with our cookie: no Allow-Credentials, ever. */
const SENT = 'authorization, content-type, accept, idempotency-key, if-match, if-none-match, if-range, range, prefer, last-event-id, traceparent, vitae-reason, vitae-correlation-id, vitae-digest, tus-resumable, upload-length, upload-offset, upload-metadata, upload-defer-length';
const READ = 'etag, location, content-disposition, content-range, accept-ranges, retry-after, vitae-digest, tus-resumable, tus-version, tus-extension, tus-max-size, upload-length, upload-offset, upload-expires';
const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';

export interface Asking {
  readonly method: string;
  readonly origin: string | undefined;
  /** Access-Control-Request-Method: only a browser's preflight has it. */
  readonly wishes: string | undefined;
}

export interface CorsAnswer {
  readonly headers: Readonly<Record<string, string>>;
  /** The door answers it itself: `allowed` or not. A service never sees a preflight. */
  readonly preflight?: 'allowed' | 'refused';
}

export function cors({ method, origin, wishes }: Asking, allowed: readonly string[]): CorsAnswer {
  const preflight = method === 'OPTIONS' && origin !== undefined && wishes !== undefined;
  const vary: Record<string, string> = allowed.length === 0 ? {} : { vary: 'Origin' };
  if (origin === undefined || !allowed.includes(origin)) return preflight ? { headers: vary, preflight: 'refused' } : { headers: vary };
  const headers = { ...vary, 'access-control-allow-origin': origin };
  // Helmet's same-origin would keep the answer from the page that may have it.
  if (!preflight) return { headers: { ...headers, 'access-control-expose-headers': READ, 'cross-origin-resource-policy': 'cross-origin' } };
  return { headers: { ...headers, 'access-control-allow-methods': METHODS, 'access-control-allow-headers': SENT, 'access-control-max-age': '600' }, preflight: 'allowed' };
}

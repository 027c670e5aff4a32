const PATHS = new Set(['/healthz', '/readyz', '/metrics', '/openapi.json']);

/** Requests by which a machine looks after the service: they give no spans and no line in the log. */
export function isOperational(url: string | undefined): boolean {
  return PATHS.has((url ?? '').split('?', 1)[0] ?? '');
}

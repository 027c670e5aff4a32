/** Where the front door sends what it is asked. */
export interface Route {
  readonly service: string;
  /** Prefix of the path that leads there. */
  readonly prefix: string;
  /** What the prefix becomes. */
  readonly becomes: string;
  readonly target: string;
}

/** The addresses of the six services behind the door. */
export interface Services {
  readonly registry: string;
  readonly governance: string;
  readonly deployment: string;
  readonly monitoring: string;
  readonly ledger: string;
  readonly runtime: string;
}

/**
 * `/api/<service>/…` leads to that service, `/v2/…` (Open Inference Protocol) to the runtime.
 * The runtime's `/admin` is for the deployment service alone, what machines ask of a service for those who run it: no way in from here.
 */
export function routes(services: Services): readonly Route[] {
  const api = Object.entries(services).map(([service, target]) => ({ service, prefix: `/api/${service}`, becomes: '', target: String(target) }));
  return [...api, { service: 'runtime', prefix: '/v2', becomes: '/v2', target: services.runtime }];
}

/** The route for a path, and the path as the service knows it; undefined when no route leads there. The path MUST have passed `pathFault`. */
export function routeOf(all: readonly Route[], url: string): { readonly route: Route; readonly path: string } | undefined {
  const route = all.find(({ prefix }) => url === prefix || url.startsWith(`${prefix}/`) || url.startsWith(`${prefix}?`));
  if (!route) return undefined;
  const path = `${route.becomes}${url.slice(route.prefix.length)}`;
  const known = path.startsWith('/') ? path : `/${path}`;
  return isClosed(route.service, known) ? undefined : { route, path: known };
}

const OPERATIONAL = new Set(['metrics', 'healthz', 'readyz']);

/** By the first name in the path: without case and decoded, as a service may read it. */
function isClosed(service: string, path: string): boolean {
  const [, first = ''] = decoded(path.split('?', 1)[0] ?? '').toLowerCase().split('/');
  return OPERATIONAL.has(first) || (service === 'runtime' && first === 'admin');
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

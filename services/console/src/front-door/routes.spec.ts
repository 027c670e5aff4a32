import { describe, expect, it } from '@jest/globals';
import { routeOf, routes } from './routes.ts';

const services = {
  registry: 'http://registry',
  governance: 'http://governance',
  deployment: 'http://deployment',
  monitoring: 'http://monitoring',
  ledger: 'http://ledger',
  runtime: 'http://runtime',
};
const all = routes(services);
const led = (url: string): string | undefined => {
  const found = routeOf(all, url);
  return found && `${found.route.target}${found.path}`;
};

describe('the front door', () => {
  it.each([
    ['/api/registry/v1/projects/p/models?limit=3', 'http://registry/v1/projects/p/models?limit=3'],
    ['/api/ledger', 'http://ledger/'],
    ['/api/monitoring?x=1', 'http://monitoring/?x=1'],
    ['/v2/models/credit/infer', 'http://runtime/v2/models/credit/infer'],
    ['/v2', 'http://runtime/v2'],
  ])('leads %s to %s', (url, target) => expect(led(url)).toBe(target));

  it.each(['/', '/api', '/api/', '/api/registryx/v1', '/api/unknown/v1', '/v2x', '/v1/models'])('has no route for %s', (url) =>
    expect(led(url)).toBeUndefined(),
  );

  it.each(['/api/runtime/admin/endpoints', '/api/runtime/%61dmin/endpoints', '/api/runtime/ADMIN', '/api/runtime/admin?x', '/api/runtime/admin%2fendpoints', '/api/runtime/admin/'])(
    'keeps %s, which is for the deployment service, closed',
    (url) => expect(led(url)).toBeUndefined(),
  );

  it.each(Object.keys(services).flatMap((service) => ['metrics', 'healthz', 'readyz', 'METRICS', '%6detrics', 'metrics/', 'readyz?x', 'healthz/x'].map((path) => `/api/${service}/${path}`)))(
    'keeps %s, which is for those who run the service, closed',
    (url) => expect(led(url)).toBeUndefined(),
  );

  it.each(['/api/registry/openapi.json', '/api/registry/v1/projects/p/metrics', '/v2/health/ready', '/api/ledger/admin'])('leads on: %s', (url) => expect(led(url)).toBeDefined());
});

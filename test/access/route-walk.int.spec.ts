import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { as, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats, type ServiceName } from '@vitae/testing';

// Every route of every service, called by every role, against the table of permissions: who is let in is exactly who stands
// there. What a request would do once it is in does not matter here: bodies are empty and ids are nobody's.

interface Access {
  readonly type: 'public' | 'known' | 'needs';
  readonly permissions?: readonly string[];
  readonly project?: unknown;
}
interface Route {
  readonly method: string;
  readonly path: string;
  readonly handler: string;
  readonly access: Access;
}
interface Running {
  readonly url: string;
  readonly routes: readonly Route[];
  stop(): Promise<void>;
}
interface Kit {
  readonly ROLES: Readonly<Record<string, string>>;
  roleMay(role: string, permission: string): boolean;
  boot(definition: unknown, env: NodeJS.ProcessEnv): Promise<Running>;
}

const serviceNames: readonly ServiceName[] = ['registry', 'governance', 'deployment', 'monitoring', 'ledger', 'runtime', 'console'];

// What is outside knows services by HTTP alone; here they are loaded by their place, for the list of their routes.
const load = <T>(path: string): Promise<T> => import(new URL(`../../${path}`, import.meta.url).href) as Promise<T>;

let kit: Kit;
let database: FreshDatabase;
let keys: FreshDatabase;
let nats: FreshNats;
let directory: string;
let running: Record<ServiceName, Running>;

beforeAll(async () => {
  [kit, database, keys, nats, directory] = await Promise.all([load<Kit>('libs/service-kit/src/index.ts'), freshDatabase(), freshDatabase(), freshNats(), mkdtemp(join(tmpdir(), 'vitae-walk-'))]);
  const start = async (name: ServiceName): Promise<Running> => {
    const { [name]: definition } = await load<Record<string, unknown>>(`services/${name}/src/app.module.ts`);
    const env = { ...specAccess(), PORT: '0', LOG_LEVEL: 'silent', VITAE_DATA_DIR: join(directory, name), DATABASE_URL: database.url, NATS_URL: nats.url, KEYRING_DATABASE_URL: keys.url, VITAE_TENANT_KEY_FILE: join(directory, 'tenant.key'), VITAE_MLFLOW_PROJECT: 'alpha' };
    return kit.boot(definition, env);
  };
  const started = {} as Record<ServiceName, Running>;
  for (const name of serviceNames) started[name] = await start(name); // one after the other: they share schemas
  running = started;
});
afterAll(async () => {
  await Promise.all(Object.values(running ?? {}).map((service) => service.stop()));
  await nats?.drop();
  await Promise.all([database?.drop(), keys?.drop()]);
  await rm(directory, { recursive: true, force: true });
});

type Outcome = 'unknown' | 'denied' | 'let in';

async function call(service: Running, method: string, path: string, authorization: string | undefined): Promise<Outcome> {
  const enough = new AbortController(); // a feed never ends by itself
  const response = await fetch(`${service.url}${path}`, { method, signal: enough.signal, redirect: 'manual', headers: authorization === undefined ? {} : { authorization } });
  enough.abort();
  return response.status === 401 ? 'unknown' : response.status === 403 ? 'denied' : 'let in';
}

/** An address of a route, in project alpha, of things that nobody has. */
const addressOf = (path: string): string =>
  path
    .replace(':projectId', 'alpha')
    .replaceAll(/\{?\/?\*\w+\}?/g, '/alpha/nothing') // of MLflow's artifacts the place says the project
    .replaceAll(/:(\w+)/g, (_, name: string) => (/^(index|version|number)$/.test(name) ? '1' : /^(name|person|alias|key|model|gate|digest|environment)$/.test(name) ? 'nothing' : randomUUID()));

/** What the table says of somebody with these roles in that project, or in all (`*`). */
function expected({ access, path }: Route, roles: readonly string[], project: string): Outcome {
  if (access.type !== 'needs') return 'let in';
  const inAProject = path.includes(':projectId') || typeof access.project === 'function';
  const reaches = project === '*' || access.project === 'any' || (inAProject && project === 'alpha');
  return reaches && access.permissions?.some((permission) => roles.some((role) => kit.roleMay(role, permission))) ? 'let in' : 'denied';
}

describe.each(serviceNames)('%s', (name) => {
  it('lets in exactly who the table of permissions lets in', async () => {
    const service = running[name];
    const { routes } = service;
    expect(routes.length).toBeGreaterThan(0);
    const roles = Object.keys(kit.ROLES);
    const different: string[] = [];
    for (const route of routes) {
      const path = addressOf(route.path);
      for (const method of route.method === 'ALL' ? ['GET', 'POST'] : [route.method]) {
        const callers: [who: string, authorization: string | undefined, expected: Outcome][] = [
          ['nobody', undefined, route.access.type === 'public' ? 'let in' : 'unknown'],
          ['somebody without a role', as('human/nora', { roles: [] }), expected(route, [], '*')],
          ['everything, in another project', as('human/otto', { roles, projects: ['beta'] }), expected(route, roles, 'beta')],
          ['everything, in this project', as('human/pia', { roles, projects: ['alpha'] }), expected(route, roles, 'alpha')],
          ...roles.map((role): [string, string, Outcome] => [role, as('human/rita', { roles: [role] }), expected(route, [role], '*')]),
        ];
        const outcomes = await Promise.all(callers.map(([, authorization]) => call(service, method, path, authorization)));
        callers.forEach(([who, , wanted], index) => {
          if (outcomes[index] !== wanted) different.push(`${method} ${route.path} (${route.handler}) by ${who}: ${outcomes[index]}, the table says ${wanted}`);
        });
      }
    }
    expect(different).toEqual([]);
  });
});

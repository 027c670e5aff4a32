import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats, type ServiceName } from '@vitae/testing';
import pg from 'pg';

// All services on one database, and two projects that must know nothing of each other: whatever beta has is asked for by alpha, at
// every route. Then what may not come in with a body, what goes out with an answer, and what is left in logs and ledger.

interface Route {
  readonly method: string;
  readonly path: string;
  readonly access: { readonly type: string };
}
interface Running {
  readonly url: string;
  readonly routes: readonly Route[];
  stop(): Promise<void>;
}
interface Kit {
  boot(definition: unknown, env: NodeJS.ProcessEnv, options: { log: { write(line: string): void } }): Promise<Running>;
}

const serviceNames = ['registry', 'governance', 'deployment', 'monitoring', 'ledger', 'runtime'] as const satisfies readonly ServiceName[];
// What is outside knows services by HTTP alone; here they are loaded by their place, for the list of their routes.
const load = <T>(path: string): Promise<T> => import(new URL(`../../${path}`, import.meta.url).href) as Promise<T>;

/** Stands in everything that beta writes, and nowhere that alpha may see. */
const MARK = 'zyxbeta';
const bea = as('human/bea', { projects: ['beta'] });
const alf = as('human/alf', { projects: ['alpha'] });

let database: FreshDatabase;
let keys: FreshDatabase;
let nats: FreshNats;
let directory: string;
let running: Record<(typeof serviceNames)[number], Running>;
const lines: string[] = [];
/** What beta has, by the collection in its address; each id also under the name that routes have for it. */
const beta: Record<string, string> = {};

beforeAll(async () => {
  const [kit, ...fresh] = await Promise.all([load<Kit>('libs/service-kit/src/index.ts'), freshDatabase(), freshDatabase(), freshNats(), mkdtemp(join(tmpdir(), 'vitae-two-'))]);
  [database, keys, nats, directory] = fresh;
  const started = {} as typeof running;
  for (const name of serviceNames) {
    const { [name]: definition } = await load<Record<string, unknown>>(`services/${name}/src/app.module.ts`);
    const env = { ...specAccess(), PORT: '0', LOG_LEVEL: 'debug', VITAE_DATA_DIR: join(directory, name), DATABASE_URL: database.url, NATS_URL: nats.url, KEYRING_DATABASE_URL: keys.url, VITAE_TENANT_KEY_FILE: join(directory, 'tenant.key'), VITAE_MLFLOW_PROJECT: 'alpha', VITAE_WEBHOOK_ALLOW_PRIVATE: 'true' };
    started[name] = await kit.boot(definition, env, { log: { write: (line) => void lines.push(line) } });
  }
  running = started;
  await populate();
}, 120_000);
afterAll(async () => {
  await Promise.all(Object.values(running ?? {}).map((service) => service.stop()));
  await nats?.drop();
  await Promise.all([database?.drop(), keys?.drop()]);
  await rm(directory, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

async function ask(service: keyof typeof running, method: string, path: string, authorization: string, body?: string | Uint8Array<ArrayBuffer> | object, headers: Record<string, string> = {}): Promise<Answer> {
  const enough = new AbortController();
  const raw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(`${running[service].url}${path}`, {
    method, signal: enough.signal, redirect: 'manual',
    headers: { authorization, ...(body === undefined ? {} : { 'content-type': body instanceof Uint8Array ? 'text/csv' : 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
  });
  const endless = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const text = endless ? '' : await response.text();
  enough.abort();
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = {};
  }
  return { status: response.status, headers: response.headers, text, body: (parsed ?? {}) as Record<string, unknown> };
}

async function populate(): Promise<void> {
  const make = async (service: keyof typeof running, path: string, body: object | Uint8Array<ArrayBuffer>, ...names: string[]): Promise<Record<string, unknown>> => {
    const answer = await ask(service, 'POST', `/v1/projects/beta${path}`, bea, body, { 'vitae-reason': MARK });
    if (answer.status > 299) throw new Error(`POST ${path} was answered ${answer.status} ${answer.text}`);
    for (const name of names) beta[name] = String(answer.body['id']);
    return answer.body;
  };
  const { digest } = await make('registry', '/artefacts', new TextEncoder().encode(`a,b\n1,${MARK}\n2,x\n`));
  beta['digest'] = String(digest);
  await make('registry', `/datasets/${MARK}-data/versions`, { digest, mediaType: 'text/csv', source: MARK, licence: MARK }, 'dataset-versions/id', 'datasetVersionId');
  await make('registry', '/models', { name: `${MARK}-model`, description: MARK, task: 'binary-classification', useCaseId: randomUUID() }, 'models/modelId', 'modelId');
  await make('registry', `/models/${beta['modelId']}/references`, { source: `s3://${MARK}/m` }, 'model-versions/id', 'modelVersionId');
  await make('registry', '/prompts', { name: `${MARK}-prompt` });
  await make('registry', '/guardrails', { name: `${MARK}-rail`, kind: 'input', engine: MARK, categories: ['c'], action: 'block', failureMode: 'closed' }, 'guardrails/id');
  await make('registry', '/tools', { name: `${MARK}-tool`, kind: 'function', effect: 'read', approvalRequired: false, owner: MARK, inputSchema: { type: 'object' } }, 'tools/id');
  await make('registry', '/ai-systems', { name: `${MARK}-system`, useCaseId: randomUUID() }, 'ai-systems/id');
  await make('registry', '/evaluation-suites', { name: `${MARK}-suite` }, 'evaluation-suites/id');
  await make('governance', '/use-cases', { title: MARK, objective: MARK, kpis: [{ name: 'k', baseline: 1, target: 2, unit: '%' }], owner: 'bea', dataAvailability: MARK, resources: MARK, purpose: MARK, riskTier: 'low', aiActClass: 'minimal', requiredMetrics: [{ name: 'auc', direction: 'at-least', threshold: 0.5 }] }, 'use-cases/id');
  await make('governance', '/delegations', { delegate: 'otto', until: new Date(Date.now() + 86_400_000).toISOString() }, 'delegations/id');
  await make('deployment', '/environments', { name: `${MARK}-env`, class: 'development' }, 'environments/id');
  await make('ledger', '/webhooks', { url: 'http://127.0.0.1:9/' }, 'webhooks/id');
  const run = await ask('registry', 'POST', '/t/beta/api/2.0/mlflow/experiments/create', bea, { name: `${MARK}-experiment` });
  beta['experiment_id'] = String(run.body['experiment_id']);
  beta['name'] = `${MARK}-data`;
  beta['stream'] = `registry.Model-${beta['modelId']}`;
  Object.assign(beta, { version: '1', number: '1', index: '1', key: MARK, alias: MARK, model: MARK, gate: 'promote-production', person: 'bea', account: 'bea' });
}

/** The route's address in that project, with what beta has. */
const addressOf = (path: string, project: string): string => path.replace(':projectId', project).replaceAll(/\{?\/?\*\w+\}?/g, `/${project}/${MARK}`).replaceAll(/([\w-]*)\/:(\w+)/g, (_, collection: string, name: string) => `${collection}/${beta[`${collection}/${name}`] ?? beta[name] ?? randomUUID()}`);
const events = async (project: string): Promise<number> => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return Number((await client.query<{ n: string }>(`select count(*) as n from ledger.event where project_id = $1 and type not like 'vitae.access.%'`, [project])).rows[0]?.n);
  } finally {
    await client.end();
  }
};
/** The browser is told to guess, frame and run nothing; neither who made us is told, nor that others may read it. */
const guarded = (headers: Headers): boolean =>
  headers.get('x-content-type-options') === 'nosniff' && /default-src 'none'.*frame-ancestors 'none'/.test(headers.get('content-security-policy') ?? '') && !headers.has('x-powered-by') && ![...headers.keys()].some((name) => name.startsWith('access-control-'));

async function byEights<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < all.length; at += 8) await Promise.all(all.slice(at, at + 8).map(work));
}
const projectRoutes = (): { service: keyof typeof running; route: Route }[] => serviceNames.flatMap((service) => running[service].routes.filter(({ path }) => path.includes(':projectId')).map((route) => ({ service, route })));

describe('what one project has', () => {
  it('is there for who belongs to it', async () => {
    const seen = await Promise.all(
      projectRoutes().filter(({ route }) => route.method === 'GET' && route.path.startsWith('/v1/')).map(async ({ service, route }) => ({ path: route.path, answer: await ask(service, 'GET', addressOf(route.path, 'beta'), bea) })),
    );
    const shown = seen.filter(({ answer }) => answer.status === 200 && answer.text.includes(MARK)).map(({ path }) => path);
    for (const path of ['models', 'models/:modelId', 'models/:modelId/versions', 'model-versions/:id', 'datasets', 'datasets/:name', 'dataset-versions/:id', 'artefacts/:digest', 'prompts', 'guardrails/:id', 'tools/:id', 'ai-systems/:id', 'evaluation-suites/:id', 'use-cases', 'use-cases/:id', 'environments', 'environments/:id', 'events', 'lineage', 'streams/:stream/state']) {
      if (path !== 'lineage') expect(shown).toContain(`/v1/projects/:projectId/${path}`);
    }
  });

  it('is not there at any route for who asks from another, nothing of it is told or changed, and every answer is guarded', async () => {
    const before = await events('beta');
    const wrong: string[] = [];
    const unguarded: string[] = [];
    await byEights(projectRoutes(), async ({ service, route }) => {
      const isList = !/:(?!projectId)/.test(route.path);
      for (const method of route.method === 'ALL' ? ['GET', 'POST'] : [route.method]) {
        const address = addressOf(route.path, 'alpha');
        const answer = await ask(service, method, address, alf, method === 'GET' || method === 'HEAD' || method === 'DELETE' ? undefined : {}, { origin: 'https://evil.example' });
        if (!guarded(answer.headers)) unguarded.push(`${method} ${route.path}: ${answer.status} ${JSON.stringify([...answer.headers])}`);
        const echo = BY_NAME.has(route.path) ? /"(?:name|detail|instance)":"(?:[^"\\]|\\.)*"/g : /"(?:detail|instance|message)":"(?:[^"\\]|\\.)*"/g;
        const told = answer.text.replaceAll(echo, ''); // what was asked for may be repeated
        if (told.includes(MARK)) wrong.push(`${method} ${route.path} tells ${answer.text.slice(0, 200)}`);
        if (answer.status >= 500) wrong.push(`${method} ${route.path} fails: ${answer.text.slice(0, 200)}`);
        if (!isList && answer.status < 300 && answer.text.length > 2 && !BY_NAME.has(route.path)) wrong.push(`${method} ${route.path} is answered ${answer.status} ${answer.text.slice(0, 200)}`);
      }
    });
    expect(wrong).toEqual([]);
    expect(unguarded).toEqual([]);
    expect(await events('beta')).toBe(before);
  });
});

/** Datasets are addressed by their names: each project has one of any name, and it may be one of which nothing was ever said. */
const BY_NAME = new Set(['/v1/projects/:projectId/datasets/:name', '/v1/projects/:projectId/datasets/:name/tags/:key', '/v1/projects/:projectId/datasets/:name/versions']);

interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: { readonly type?: string; readonly additionalProperties?: unknown; readonly properties?: object; readonly $ref?: string } }>> };
}
interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Operation['requestBody'] extends infer B ? (B extends { content: Record<string, { schema: infer S }> } ? S : never) : never>> };
}

describe('a body', () => {
  /** What a caller would like to say of themselves, and what only the rules say. */
  const WISHES = ['state', 'projectId', 'by', 'actor', 'revision', 'registeredBy', 'approvedBy', '__proto__', 'constructor', 'prototype'];
  /** Nest takes these out of a body before anybody looks at it. */
  const GONE = new Set(['__proto__', 'constructor', 'prototype']);
  /** Bodies of others' standards, which may have any field; what is not known there is not read. */
  const OPEN = /\/lineage$|\/openlineage$|^POST \/v1\/introspect$|^POST \/v2\//;

  it('has no field that the route does not know, at any route: nobody writes a state, a project or an actor by sending one', async () => {
    const wrong: string[] = [];
    let tried = 0;
    for (const service of serviceNames) {
      const described = (await (await fetch(`${running[service].url}/openapi.json`)).json()) as Described;
      for (const [path, operations] of Object.entries(described.paths)) {
        for (const [method, { requestBody }] of Object.entries(operations)) {
          const given = requestBody?.content['application/json']?.schema;
          const schema = given?.$ref ? described.components?.schemas?.[given.$ref.split('/').at(-1) ?? ''] : given;
          const what = `${method.toUpperCase()} ${path}`;
          if (schema?.type !== 'object' || OPEN.test(what)) continue;
          const wishes = WISHES.filter((name) => !Object.hasOwn(schema.properties ?? {}, name));
          const body = `{${wishes.map((name) => `${JSON.stringify(name)}:${name.startsWith('_') || name === 'constructor' ? '{"isAdmin":true,"prototype":{"isAdmin":true}}' : '"approved"'}`).join(',')}}`;
          const address = addressOf(path.replaceAll(/\{(\w+)\}/g, ':$1'), 'beta');
          const answer = await ask(service, method.toUpperCase(), address, path.startsWith('/admin/') ? as('service/deployment') : as('human/pia'), body);
          tried += 1;
          const refused = (answer.body['errors'] as { pointer: string; detail: string }[] | undefined)?.filter(({ detail }) => detail.includes('not known here')).map(({ pointer }) => pointer.slice(1)) ?? [];
          const missed = wishes.filter((name) => !refused.includes(name) && !GONE.has(name));
          if (answer.status !== 400 || missed.length > 0 || schema.additionalProperties !== false) wrong.push(`${what}: ${answer.status}, says nothing of ${missed.join()}: ${answer.text.slice(0, 200)}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(tried).toBeGreaterThan(60);
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
  });

  it('may be neither endless, nor bottomless, nor hold what no table keeps', async () => {
    const post = (body: string) => ask('registry', 'POST', '/v1/projects/beta/models', bea, body);
    const model = (name: string) => JSON.stringify({ name, task: 't', useCaseId: randomUUID() });
    expect(await post(JSON.stringify({ name: 'x'.repeat(10_000_000) }))).toMatchObject({ status: 413 });
    expect(await post(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)).toMatchObject({ status: 400 });
    expect(await post(`{"name":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`)).toMatchObject({ status: 400 });
    for (const name of ['nul\u0000', 'half\ud800', 'esc\u001b[31m', 'line\r\nbreak']) expect(await post(model(name))).toMatchObject({ status: 400 });
    expect(await ask('governance', 'POST', '/v1/projects/beta/delegations', bea, { delegate: 'x\0', until: new Date(Date.now() + 86_400_000).toISOString() }, { 'vitae-reason': 'r' })).toMatchObject({ status: 400 });
    expect(await ask('governance', 'POST', '/v1/projects/beta/delegations', bea, { delegate: 'otto', until: new Date(Date.now() + 86_400_000).toISOString() }, { 'vitae-reason': 'a%00b' })).toMatchObject({ status: 400 });
  });

  it('gives names of tags that JavaScript has a use for no other use than that of names', async () => {
    const tags = `/v1/projects/beta/models/${beta['modelId']}/tags`;
    for (const key of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']) expect((await ask('registry', 'PUT', `${tags}/${key}`, bea, { value: MARK })).status).toBeLessThan(500);
    for (const key of ['__proto__', 'constructor', 'isAdmin']) expect((await ask('registry', 'POST', '/t/beta/api/2.0/mlflow/registered-models/set-tag', bea, `{"name":"${MARK}-model","key":"${key}","value":"v","__proto__":{"isAdmin":true}}`)).status).toBeLessThan(500);
    const { body, status } = await ask('registry', 'GET', `/v1/projects/beta/models/${beta['modelId']}`, bea);
    expect(status).toBe(200);
    expect(Object.keys(body['tags'] as object)).toContain('isAdmin');
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
  });
});

describe('a parameter that is read as an order, a filter or a place', () => {
  const STRANGE = ["' OR '1'='1", "'; drop table registry.model; --", '$1', "name = 'x' or 1=1", "tags.`x' or '1'='1` = 'y'", "name ILIKE '%' UNION SELECT 1", '{"$ne":null}', '1e999', 'name asc; select 1', '\0'];
  const SEARCHES: readonly (readonly [keyof typeof running, 'GET' | 'POST', string, readonly string[]])[] = [
    ['registry', 'GET', '/v1/projects/alpha/models', ['filter', 'orderBy', 'after', 'limit', 'deleted']],
    ['registry', 'GET', '/v1/projects/alpha/model-versions', ['filter', 'orderBy', 'after']],
    ['registry', 'GET', '/v1/projects/alpha/datasets', ['after', 'name', 'filter']],
    ['registry', 'GET', '/v1/projects/alpha/dataset-versions', ['after', 'name', 'purpose', 'column']],
    ['registry', 'GET', '/v1/projects/alpha/lineage', ['of', 'node', 'depth', 'direction', 'format']],
    ['registry', 'GET', '/t/alpha/api/2.0/mlflow/registered-models/search', ['filter', 'order_by', 'page_token', 'max_results']],
    ['registry', 'GET', '/t/alpha/api/2.0/mlflow/model-versions/search', ['filter', 'order_by', 'page_token', 'max_results']],
    ['registry', 'GET', '/t/alpha/api/2.0/mlflow/artifacts/list', ['run_id', 'path', 'page_token']],
    ['registry', 'GET', '/t/alpha/api/2.0/mlflow/metrics/get-history', ['run_id', 'metric_key', 'page_token']],
    ['registry', 'POST', '/t/alpha/api/2.0/mlflow/experiments/search', ['filter', 'order_by', 'page_token', 'max_results', 'view_type']],
    ['registry', 'POST', '/t/alpha/api/2.0/mlflow/runs/search', ['filter', 'order_by', 'page_token', 'experiment_ids', 'run_view_type']],
    ['registry', 'POST', '/t/alpha/api/2.0/mlflow/logged-models/search', ['filter', 'order_by', 'page_token', 'experiment_ids']],
    ['governance', 'GET', '/v1/projects/alpha/decisions', ['after', 'modelVersionId', 'limit']],
    ['governance', 'GET', '/v1/people', ['ids', 'id']],
    ['monitoring', 'GET', '/v1/projects/alpha/alerts', ['after', 'state', 'endpointId', 'limit']],
    ['ledger', 'GET', '/v1/projects/alpha/events', ['type', 'subject', 'stream', 'actor', 'from', 'to', 'since', 'until', 'order', 'before', 'correlation']],
    ['ledger', 'GET', `/v1/projects/alpha/streams/registry.Model-${randomUUID()}/state`, ['at', 'revision']],
    ['deployment', 'GET', '/v1/projects/alpha/endpoints', ['after', 'limit']],
  ];

  it.each(SEARCHES)('is understood or refused, and never a part of a statement: %s %s %s', async (service, method, path, names) => {
    const wrong: string[] = [];
    const answers = await Promise.all(
      names.flatMap((name) => STRANGE.map(async (text) => {
        const listed = name === 'order_by' || name === 'experiment_ids' ? [text] : text;
        const answer = method === 'GET' ? await ask(service, 'GET', `${path}?${name}=${encodeURIComponent(text)}`, alf) : await ask(service, 'POST', path, alf, { ...(name === 'experiment_ids' ? {} : { experiment_ids: ['0'] }), [name]: listed });
        return { name, text, answer };
      })),
    );
    for (const { name, text, answer } of answers) {
      if (answer.status >= 500 || answer.text.includes(MARK) || /syntax error at|PostgreSQL|SQLSTATE/.test(answer.text)) wrong.push(`${name}=${text.slice(0, 60)}: ${answer.status} ${answer.text.slice(0, 200)}`);
    }
    expect(wrong).toEqual([]);
    expect(answers.some(({ answer }) => answer.status === 400)).toBe(true); // it was looked at
  });
});

describe('an answer', () => {
  it('that shows names, texts or secrets is not kept by anybody', async () => {
    for (const [service, path] of [['governance', '/v1/people?ids=bea'], ['registry', '/v1/whoami'], ['governance', `/v1/projects/beta/use-cases/${beta['use-cases/id']}`], ['ledger', '/v1/projects/beta/events']] as const) {
      const answer = await ask(service, 'GET', path, bea);
      expect([path, answer.status, answer.headers.get('cache-control')]).toEqual([path, 200, 'no-store']);
    }
  });
});

describe('what is left behind', () => {
  it('is one line of JSON for each thing that happened, whatever came with a request', async () => {
    const from = lines.length;
    const evil = '\u001b[31mred\u0007';
    await ask('registry', 'GET', `/v1/projects/alpha/models/${encodeURIComponent(`x\r\n{"level":"fatal"}${evil}`)}`, alf, undefined, { 'x-request-id': 'a\tb', 'user-agent': 'a\u0085b' });
    await ask('registry', 'GET', '/v1/projects/alpha/%0d%0a%1b%5b2J', alf);
    await ask('registry', 'POST', '/v1/projects/alpha/models', alf, { name: `x\n${evil}`, [`k\n${evil}`]: 1 });
    await ask('registry', 'POST', '/t/alpha/api/2.0/mlflow/registered-models/create', alf, { name: `x\n${evil}` });
    await ask('governance', 'POST', '/v1/projects/alpha/use-cases', alf, '{', { 'vitae-reason': '%0a%1b' });
    await eventually(() => expect(lines.length).toBeGreaterThan(from + 4));
    expect(lines.filter((line) => !line.endsWith('\n') || /[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(line) || line.trimEnd().includes('\n'))).toEqual([]);
    expect(lines.map((line) => JSON.parse(line) as { level?: string }).filter(({ level }) => level === 'fatal')).toEqual([]);
  });

  it('has no secret in it: no line of the logs, no event, no answer but the one that showed it', async () => {
    const token = await ask('governance', 'POST', '/v1/api-tokens', bea, { name: 'leaky', projects: ['beta'], permissions: ['registry.read'] });
    expect(token.status).toBe(201);
    const shown = /vitae_[a-z0-9]+_([\w-]{20,})/i.exec(token.text);
    const hook = await ask('ledger', 'POST', '/v1/projects/beta/webhooks', bea, { url: 'http://127.0.0.1:9/other' });
    const whsec = /whsec_([\w+/=-]{20,})/.exec(hook.text);
    const wrong = `vitae_${'a'.repeat(10)}_${'b'.repeat(43)}`;
    const secrets = [shown?.[1], whsec?.[1], bea.split('.')[2], alf.split('.')[2], wrong].map(String);
    expect(secrets.every((secret) => secret.length > 20)).toBe(true);
    await ask('registry', 'GET', '/v1/projects/beta/models', `Bearer ${shown?.[0]}`);
    await ask('registry', 'GET', '/v1/projects/beta/models', `Basic ${Buffer.from(`x:${shown?.[0]}`).toString('base64')}`);
    await ask('registry', 'GET', '/v1/projects/beta/models', `Bearer ${wrong}`);
    await ask('ledger', 'POST', `/v1/projects/beta/webhooks/${String(hook.body['id'])}/ping`, bea);
    const again = await Promise.all((['/v1/api-tokens', `/v1/api-tokens/${String(token.body['id'])}`] as const).map((path) => ask('governance', 'GET', path, bea)));
    again.push(await ask('ledger', 'GET', `/v1/projects/beta/webhooks/${String(hook.body['id'])}`, bea), await ask('ledger', 'GET', `/v1/projects/beta/webhooks/${String(hook.body['id'])}/deliveries`, bea));
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query<{ text: string }>(`select e::text as text from ledger.event e`).finally(() => client.end());
    expect(rows.length).toBeGreaterThan(10);
    for (const secret of secrets) for (const place of [lines, rows.map(({ text }) => text), again.map(({ text }) => text)]) expect(place.filter((text) => text.includes(secret))).toEqual([]);
  });
});

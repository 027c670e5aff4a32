import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { as, eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';

// Instrumentation works on a process's own modules, which Jest's are not: so here the service is a process.

interface Child {
  readonly process: ChildProcess;
  readonly lines: readonly Record<string, unknown>[];
  readonly errors: () => string;
  readonly exit: Promise<number | null>;
}

/** A service of which nobody has said by what it knows its callers. */
const NOTHING = { OIDC_ISSUER: '', OIDC_AUDIENCE: '', VITAE_GRANTS_FILE: '' };
const children: Child[] = [];

function start(env: NodeJS.ProcessEnv): Child {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--conditions=@vitae/source', '--import', here('../swc-hook.mjs'), here('process.fixture.ts')],
    { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const lines: Record<string, unknown>[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.map((line) => JSON.parse(line) as Record<string, unknown>));
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const started = { process: child, lines, errors: () => errors, exit: once(child, 'exit').then(([code]) => code as number | null) };
  children.push(started);
  return started;
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What a collector received: OTLP over HTTP with JSON. */
interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
}
const spans: Span[] = [];

let database: FreshDatabase;
let nats: FreshNats;
let migrations: string;
let collector: Server;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  collector = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const sent = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { resourceSpans?: { scopeSpans: { spans: Span[] }[] }[] };
      for (const { scopeSpans } of sent.resourceSpans ?? []) for (const scope of scopeSpans) spans.push(...scope.spans);
      response.setHeader('content-type', 'application/json').end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
  migrations = await mkdtemp(join(tmpdir(), 'vitae-process-'));
  const [first, second] = await Promise.allSettled([freshDatabase(), freshNats()]);
  if (first.status === 'fulfilled') database = first.value;
  if (second.status === 'fulfilled') nats = second.value;
  for (const one of [first, second]) if (one.status === 'rejected') throw one.reason;
  env = {
    ...specAccess(),
    DATABASE_URL: database.url,
    NATS_URL: nats.url,
    SPEC_MIGRATIONS: migrations,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
  };
});

afterAll(async () => {
  for (const child of children) if (child.process.exitCode === null) child.process.kill('SIGKILL');
  await Promise.all(children.map((child) => child.exit));
  collector?.closeAllConnections();
  collector?.close();
  await Promise.allSettled([database?.drop(), nats?.drop(), rm(migrations, { recursive: true, force: true })]);
});

describe('a service as a process', () => {
  it('shows request, command, query and consumer as one trace, in logs, event and export, and ends with 0 on SIGTERM', async () => {
    const child = start(env);
    const url = await eventually(() => {
      const line = child.lines.find(({ url }) => typeof url === 'string');
      if (!line) throw new Error(`does not listen yet: ${child.errors()}`);
      return String(line['url']);
    });

    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const answer = await fetch(`${url}/v1/projects/credit/models`, {
      method: 'POST',
      headers: { authorization: as('human/dana'), traceparent: `00-${traceId}-b7ad6b7169203331-01` },
    });
    expect(answer.status).toBe(201);
    const { traceparent } = (await answer.json()) as { traceparent: string };
    expect(traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));

    await eventually(() => {
      const told = child.lines.filter((line) => line['trace_id'] === traceId).map(({ msg, service }) => ({ msg, service }));
      for (const msg of ['the command is done', 'request completed', 'the event is consumed']) expect(told).toContainEqual({ msg, service: 'process-spec' });
    });
    await fetch(`${url}/healthz`);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/target_info\{[^}]*service_name="process-spec"/);
    expect(metrics).toMatch(/http_server_request_duration\w*_count\{[^}]*http_route="\/v1\/projects\/:projectId\/models"/);

    child.process.kill('SIGTERM');
    expect(await child.exit).toBe(0);

    const trace = spans.filter((span) => span.traceId === traceId);
    const named = (name: string | RegExp) => trace.find((span) => (typeof name === 'string' ? span.name === name : name.test(span.name)));
    const request = named('POST /v1/projects/:projectId/models');
    const command = named('command NameModel');
    const consumed = named('consume vitae.registry.v1.ModelRegistered');
    expect(request?.parentSpanId).toBe('b7ad6b7169203331');
    expect(command?.parentSpanId).toBe(request?.spanId);
    expect(traceparent.split('-')[2]).toBe(command?.spanId);
    expect(consumed?.parentSpanId).toBe(command?.spanId);
    expect(trace.some((span) => span.name.startsWith('pg.query') && span.parentSpanId === command?.spanId)).toBe(true);
    expect(spans.some((span) => /healthz|metrics/.test(span.name))).toBe(false);
    expect(child.lines.some((line) => /healthz|metrics/.test(String(line['path'])))).toBe(false);
  });

  it('ends with 1 and a sentence for each wrong setting, without a stack', async () => {
    const child = start({ ...env, ...NOTHING, VITAE_MODE: 'cluster', PORT: 'banana' });
    expect(await child.exit).toBe(1);
    expect(child.errors().trim().split('\n')).toEqual([
      'process-spec cannot start: 7 settings are wrong.',
      '  PORT is "banana"; expected a port number from 0 to 65535',
      '  OIDC_ISSUER is missing; expected the address of an OpenID Connect issuer, with https (nobody gets in who is not known)',
      '  OIDC_AUDIENCE is missing; expected the audience that this suite accepts in tokens (nobody gets in who is not known)',
      '  VITAE_GRANTS_FILE is missing; expected a JSON file with the grants of roles (nobody may do what nobody was granted)',
      "  NATS_NKEY_FILE is missing; expected the file with the seed of the service's nkey (VITAE_MODE is cluster, and NATS_URL names no user: who needs no login may publish anything)",
      '  KEYRING_DATABASE_URL is missing; expected a PostgreSQL address such as postgresql://user:password@127.0.0.1:7432/vitae_keys (VITAE_MODE is cluster, and what people write is stored sealed)',
      '  VITAE_TENANT_KEY_FILE is missing; expected the file with the tenant key (VITAE_MODE is cluster, and what people write is stored sealed)',
    ]);
  });

  it('ends with 1 and a sentence when its port is taken', async () => {
    const taken = (collector.address() as AddressInfo).port;
    const child = start({ ...env, PORT: String(taken) });
    expect(await child.exit).toBe(1);
    expect(child.errors()).toContain(`Another process has the port; stop it, or set PORT.`);
    expect(child.errors()).not.toContain('    at ');
  });
});

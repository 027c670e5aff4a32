import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MikroORM } from '@mikro-orm/postgresql';
import { ActorKind, ActorSchema } from '@vitae/contracts';
import { streamName } from '@vitae/event-store';
import { Ledger, type CommandContext } from '@vitae/service-kit';
import { eventually, freshDatabase, freshNats, specAccess, type FreshDatabase, type FreshNats } from '@vitae/testing';
import { v7 as uuid } from 'uuid';
import { deployment } from './app.module.ts';
import { endpoint, type EndpointCommand, type Variant } from './endpoint/endpoint.ts';
import { projectEndpoints } from './endpoint/endpoints.view.ts';
import { environment } from './environment/environment.ts';
import { projectEnvironments } from './environment/environments.view.ts';
import { rollout, type RolloutCommand } from './rollout/rollout.ts';
import { projectRollouts } from './rollout/rollouts.view.ts';

// Killed with SIGKILL at the two places where it hurts, again and again: before the driver has heard of a wish, and after
// it has carried it out but before the ledger knows. Here deployment is a process of its own; the runtime is this spec.

/** A process takes seconds to start from source where others are at work; only what is broken takes this long. */
const PATIENCE = 240_000;

type Moment = 'before the driver applies' | 'after the driver applied';

let database: FreshDatabase, nats: FreshNats, orm: MikroORM, ledger: Ledger, driver: Server, child: ChildProcess | undefined;
let variants: { variantId: string; weight: number }[] | undefined;
/** At which applications the process is killed, counted from 1; and when. */
let kill: { at: ReadonlySet<number>; when: Moment } = { at: new Set(), when: 'before the driver applies' };
let applications = 0;
let kills = 0;

async function drive(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of req as AsyncIterable<Buffer>) parts.push(part);
  if (req.method === 'PUT') {
    applications += 1;
    const apply = () => (variants = (JSON.parse(Buffer.concat(parts).toString()) as { variants: { variantId: string; weight: number }[] }).variants);
    if (kill.at.has(applications)) {
      if (kill.when === 'after the driver applied') apply();
      kills += 1;
      child?.kill('SIGKILL');
      return; // nobody hears the answer
    }
    apply();
  }
  const seen = variants ? [{ endpointName: 'credit', variants: variants.map(({ variantId, weight }) => ({ variantId, weight, state: 'ready' })) }] : [];
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(req.method === 'PUT' ? {} : seen));
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
let running = false;
/** As a supervisor does: whenever it ends, it is started again. */
function supervise(env: NodeJS.ProcessEnv): void {
  running = true;
  const start = (): void => {
    child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--conditions=@vitae/source', '--import', here('../../../libs/service-kit/swc-hook.mjs'), here('main.ts')], {
      env: { PATH: process.env['PATH'], ...env },
      stdio: 'ignore',
    });
    child.once('exit', () => running && start());
  };
  start();
}

beforeAll(async () => {
  const [first, second] = await Promise.allSettled([freshDatabase(), freshNats()]);
  if (first.status === 'fulfilled') database = first.value;
  if (second.status === 'fulfilled') nats = second.value;
  for (const one of [first, second]) if (one.status === 'rejected') throw one.reason;
  driver = createServer((req, res) => void drive(req, res));
  await new Promise<void>((resolve) => driver.listen(0, '127.0.0.1', resolve));
  supervise({
    ...specAccess(), LOG_LEVEL: 'silent', PORT: '0', OTEL_SDK_DISABLED: 'true', VITAE_RECONCILE_MS: '50',
    DATABASE_URL: database.url, NATS_URL: nats.url, RUNTIME_URL: `http://127.0.0.1:${(driver.address() as AddressInfo).port}`,
  });
  // The spec writes as the service's own handlers do, but from outside: they would die with it.
  orm = await MikroORM.init({ clientUrl: database.url, schema: 'deployment', entities: [...(deployment.database?.entities ?? [])] });
  ledger = new Ledger(orm.em);
  await eventually(() => ledger.sql.query('select 1 from deployment.permit'), { timeout: PATIENCE }); // migrated
}, PATIENCE);
afterAll(async () => {
  running = false;
  if (child && child.exitCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
  await orm?.close(true);
  driver?.closeAllConnections();
  driver?.close();
  await Promise.allSettled([database?.drop(), nats?.drop()]);
});

const [environmentId, endpointId, modelId, rolloutId] = [uuid(), uuid(), uuid(), uuid()];
const context: CommandContext = { projectId: 'bank', actor: create(ActorSchema, { id: 'dana', kind: ActorKind.HUMAN }), reason: 'a spec', occurredAt: '2026-03-01T10:00:00Z', correlationId: 'spec', causationId: '', traceparent: '' };
const variant = (version: number): Variant => ({
  variantId: uuid(), modelVersionId: uuid(), modelId, version,
  artefactDigest: `sha256:${'a'.repeat(64)}`,
  files: [{ path: 'model.onnx', digest: `sha256:${'b'.repeat(64)}` }],
});
const [v1, v2] = [variant(1), variant(2)];

const forEndpoint = (command: EndpointCommand) => ledger.handle(endpoint, { stream: streamName(endpoint.category, endpointId), command, context, subjects: [] }, projectEndpoints);
const deploy = (one: Variant) => forEndpoint({ type: 'DeployVariant', variant: one, retired: false, gone: undefined, environmentClass: 'production', permit: { permitId: uuid(), decisionId: uuid() } });

/** What the endpoint's stream tells, in short. */
async function told(): Promise<string[]> {
  const events = await ledger.readStream(streamName(endpoint.category, endpointId));
  return events.map(({ type, event }) => {
    const weights = (event as { weights?: { version: number; weight: number }[] }).weights?.map((one) => `v${one.version} ${one.weight}`).join(', ');
    return `${type.split('.').at(-1)}${weights ? ` ${weights}` : ''}`;
  });
}
const tells = (expected: readonly string[]) => eventually(async () => expect(await told()).toEqual(expected), { timeout: PATIENCE });
const killAtTheNext = (n: number, when: Moment): void => {
  kills = 0;
  kill = { when, at: new Set(Array.from({ length: n }, (_, i) => applications + 1 + i)) };
};

describe('deployment, killed while it reconciles,', () => {
  const first = ['EndpointCreated', 'VariantDeployed', 'VariantReady', 'TrafficShifted v1 100'];

  it('tells each fact once when it dies before the driver has heard of the wish', async () => {
    const command = { type: 'CreateEnvironment' as const, environmentId, name: 'production', class: 'production' as const, driver: 'local' as const, region: '' };
    await ledger.handle(environment, { stream: streamName(environment.category, environmentId), command, context, subjects: [] }, projectEnvironments);
    await forEndpoint({ type: 'CreateEndpoint', endpointId, name: 'credit', environmentId, environment: 'production', modelId });
    killAtTheNext(2, 'before the driver applies');
    await deploy(v1);
    await tells(first);
    expect(kills).toBe(2);
  }, PATIENCE);

  it('tells each fact once when it dies after the driver has carried the wish out', async () => {
    await deploy(v2);
    await tells([...first, 'VariantDeployed', 'VariantReady']);
    killAtTheNext(1, 'after the driver applied');
    const variants = [{ ...v1, state: 'ready', weight: 100 }, { ...v2, state: 'ready', weight: 0 }];
    const command: RolloutCommand = { type: 'StartRollout', rolloutId, endpointId, modelId, variants, candidateVariantId: v2.variantId, gone: undefined, steps: [10, 100], minimumRows: 1, alpha: 0.01 };
    await ledger.handle(rollout, { stream: streamName(rollout.category, rolloutId), command, context, subjects: [] }, projectRollouts);
    await tells([...first, 'VariantDeployed', 'VariantReady', 'TrafficShifted v1 90, v2 10']);
    expect(kills).toBe(1);
  }, PATIENCE);
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startSuite, type ServiceName, type Suite } from '@vitae/testing';
import { eventually } from '@vitae/testing';
import { mainJob } from './main-job.ts';
import { ledgerState, streamState } from './suite-state.ts';
import { collectTraces } from './trace-collector.ts';

const MINUTES = 60_000;
let dataDir: string;
let suite: Suite;
let collector: Awaited<ReturnType<typeof collectTraces>>;
let lines: string[] = [];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'vitae-e2e-'));
  collector = await collectTraces();
  suite = await startSuite({ dataDir, durable: false, env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_BSP_SCHEDULE_DELAY: '500' } });
}, 5 * MINUTES);
afterAll(async () => {
  await suite?.stop();
  await collector?.close();
  await rm(dataDir, { recursive: true, force: true });
}, MINUTES);

async function runJob(onAct?: (act: string) => void): Promise<{ projectId: string; story: string[] }> {
  lines = [];
  await mainJob({
    frontDoor: suite.frontDoor,
    natsUrl: suite.natsUrl,
    natsKeyFile: suite.natsKeyFile,
    as: suite.as,
    report: (line) => lines.push(line),
    signal: new AbortController().signal,
    ...(onAct ? { onAct } : {}),
  }).catch((error: unknown) => {
    throw new Error(`${(error as Error).message}\n${lines.join('\n')}`, { cause: error });
  });
  return { projectId: lines[0]?.replace('project ', '') ?? '', story: lines };
}

/** What must have happened once and only once, however the way there was. */
const ONCE_AND_ONLY_ONCE = {
  UseCaseDrafted: 1,
  UseCaseSubmitted: 1,
  UseCaseApproved: 1,
  DatasetExpectationsStated: 1,
  DatasetVersionRegistered: 2,
  DatasetQualityAssessed: 2,
  EvaluationSuiteDrafted: 1,
  EvaluationSuitePublished: 1,
  ModelCardPublished: 1,
  ModelRegistered: 1,
  ModelVersionRegistered: 3,
  EvaluationRecorded: 3,
  ApprovalCaseOpened: 3,
  ApprovalGranted: 6,
  GateDecided: 4,
  EnvironmentCreated: 1,
  EndpointCreated: 1,
  PermitConsumed: 3,
  VariantDeployed: 3,
  VariantReady: 3,
  BaselineActivated: 1,
  RolloutStarted: 2,
  RolloutCompleted: 1,
  RolloutRolledBack: 1,
  DriftAlertRaised: 1,
  RetrainingRequested: 1,
  RetirementProposed: 1,
  RetirementApproved: 1,
  ModelVersionRetired: 1,
  ArtefactArchived: 1,
  RetirementCompleted: 1,
};

async function expectNothingLostOrDoubled(projectId: string): Promise<void> {
  const state = await eventually(async () => {
    const now = await ledgerState(suite.databaseUrl, projectId);
    expect(now).toMatchObject({ unsequenced: 0, behind: [] });
    expect(await streamState(suite)).toHaveLength(now.entries.length);
    return now;
  });
  expect(state.brokenStreams).toEqual([]);
  expect(state.parked).toEqual([]);
  expect(state.entries.map((entry) => Number(entry.split(' ')[0]))).toEqual(state.entries.map((_, i) => i));
  expect(new Set(state.entries.map((entry) => entry.split(' ')[1])).size).toBe(state.entries.length);
  expect(await streamState(suite)).toEqual(state.entries);
  expect(state.types).toMatchObject(ONCE_AND_ONLY_ONCE);
}

describe('the main job', () => {
  it('tells one model’s whole life, and nothing of it is lost or doubled', async () => {
    const { projectId, story } = await runJob();
    expect(story.at(-1)).toMatch(/^one model, three versions, \d+ events/);
    await expectNothingLostOrDoubled(projectId);
  }, 10 * MINUTES);

  it('left traces in which one request is seen through HTTP, append, publish and the consumers of other services', async () => {
    await eventually(() => {
      const traces = Map.groupBy(collector.spans, ({ traceId }) => traceId);
      const registered = [...traces.values()].find((spans) => spans.some(({ name }) => name === 'command RegisterModelVersion')) ?? [];
      const seen = registered.map(({ service, name }) => `${service}: ${name}`);
      expect(seen).toEqual(expect.arrayContaining(['vitae-registry: command RegisterModelVersion', 'vitae-ledger: publish vitae.registry.v1.ModelVersionRegistered']));
      for (const service of ['console', 'registry']) expect(seen).toContainEqual(expect.stringMatching(`^vitae-${service}: POST`));
      expect(seen).toContainEqual(expect.stringMatching(/^vitae-registry: pg\.query/));
      for (const service of ['governance', 'deployment', 'registry']) expect(seen).toContain(`vitae-${service}: consume vitae.registry.v1.ModelVersionRegistered`);
    });
  });

  it('ends well although each of the seven services is killed once while it runs', async () => {
    const victims: [act: RegExp, service: ServiceName][] = [
      [/^2 /, 'governance'],
      [/^3 /, 'registry'],
      [/^5 /, 'ledger'],
      [/^7 /, 'runtime'],
      [/^9 .*better/, 'deployment'],
      [/^9 .*world/, 'monitoring'],
      [/^9 .*hasty/, 'console'],
    ];
    const killed: string[] = [];
    const { projectId } = await runJob((act) => {
      const [, victim] = victims.find(([when]) => when.test(act)) ?? [];
      if (victim && suite.kill(victim, 'SIGKILL')) killed.push(victim);
    });
    expect(killed).toHaveLength(7);
    for (const service of killed) expect(suite.restartsOf(service as ServiceName)).toBeGreaterThan(0);
    await expectNothingLostOrDoubled(projectId);
  }, 10 * MINUTES);
});

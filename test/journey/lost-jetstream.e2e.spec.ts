import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startSuite, type Suite } from '@vitae/testing';
import { eventually } from '@vitae/testing';
import { api } from './api.ts';
import { dana } from './cast.ts';
import { registerData, stateExpectations } from './data.ts';
import { registerModel, registerVersion } from './develop.ts';
import { plan } from './plan.ts';
import type { Stage } from './stage.ts';
import { ledgerState, streamState } from './suite-state.ts';

const MINUTES = 60_000;
let dataDir: string;
let suite: Suite | undefined;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'vitae-e2e-'));
});
afterAll(async () => {
  await suite?.stop();
  await rm(dataDir, { recursive: true, force: true });
}, MINUTES);

const stageOf = ({ frontDoor, as }: Suite): Stage => {
  const { signal } = new AbortController();
  return { api: api(frontDoor, 'lost-jetstream', as, signal), signal, say: () => undefined };
};

async function published(running: Suite): Promise<readonly string[]> {
  return eventually(async () => {
    const { entries, unsequenced } = await ledgerState(running.databaseUrl);
    expect(unsequenced).toBe(0);
    expect(await streamState(running)).toEqual(entries);
    return entries;
  });
}

describe('the JetStream store', () => {
  it('may be deleted between two starts: the same events come back at the same sequences, and life goes on', async () => {
    suite = await startSuite({ dataDir, durable: false });
    const useCaseId = await plan(stageOf(suite));
    const modelId = await registerModel(stageOf(suite), useCaseId, 'credit');
    const before = await published(suite);
    expect(before.length).toBeGreaterThanOrEqual(4);
    const store = suite.natsStoreDir;
    await suite.stop();

    await rm(store, { recursive: true });
    suite = await startSuite({ dataDir, durable: false });
    expect(await published(suite)).toEqual(before);

    const stage = stageOf(suite);
    await stateExpectations(stage);
    const dataset = await registerData(stage, 'credit.csv', 'after the loss');
    const version = await registerVersion(stage, modelId, 'credit-v1.onnx', dataset, 'after the loss');
    const after = await published(suite);
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.length).toBeGreaterThan(before.length);

    // Another service has heard of it: governance answers about the version, and denies for want of evidence.
    const decision = await stage.api.post<{ outcome: string }>('/governance/gates/promote-production/decisions', {
      as: dana,
      body: { modelVersionId: version.id, environment: { name: 'production', class: 'production', region: 'eu' } },
    });
    expect(decision.outcome).toBe('deny');
  }, 10 * MINUTES);
});

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Running } from '@vitae/service-kit';
import { eventually } from '@vitae/testing';
import { checkPolicy, newSigner, parsePolicy, parseVerifierKey, privateText } from '@vitae/transparency';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startWitness, type RunningWitness, type WitnessOptions } from '../witness/witness-server.worker.ts';
import { logBench, overHttp, signed, standing, type LogBench } from './log.fixture.ts';

const origin = 'vitae.example/ledger';
const log = newSigner(origin);

let bench: LogBench;
let witnesses: RunningWitness[];
beforeEach(async () => {
  bench = await logBench();
  witnesses = [];
  await writeFile(join(bench.directory, 'log.key'), `${privateText(log)}\n`, { mode: 0o600 });
});
afterEach(async () => {
  await bench.drop();
  await Promise.all(witnesses.map((witness) => witness.stop()));
});

async function witness(name: string, more: Partial<WitnessOptions> = {}): Promise<RunningWitness> {
  const file = (suffix: string): string => join(bench.directory, `${name}.${suffix}`);
  const started = await startWitness({ host: '127.0.0.1', port: 0, keyFile: file('key'), stateFile: file('json'), name: `witness.example/${name}`, logs: [parseVerifierKey(log.verifierKey)], ...more });
  witnesses.push(started);
  return started;
}

/** Patience without end: what is served has all cosignatures. */
const asking = (asked: readonly RunningWitness[], patienceMs = 600_000, directory = bench.directory): NodeJS.ProcessEnv => ({
  VITAE_LOG_KEY_FILE: join(directory, 'log.key'),
  VITAE_WITNESSES: asked.map(({ verifierKey, url }) => `${verifierKey}@${url}`).join(','),
  VITAE_WITNESS_PATIENCE_MS: String(patienceMs),
});
const policy = (asked: readonly RunningWitness[]) =>
  parsePolicy([`log ${log.verifierKey}`, ...asked.map(({ verifierKey }, i) => `witness w${i} ${verifierKey}`), `group all all ${asked.map((_, i) => `w${i}`).join(' ')}`, 'quorum all', ''].join('\n'));
const served = (service: Running): Promise<string> => overHttp(service).checkpoint();

describe('the log under witnesses', () => {
  it('serves each checkpoint with the cosignatures of all, also with two replicas and over several sizes', async () => {
    const both = [await witness('a'), await witness('b')];
    const services = await Promise.all([bench.start(asking(both)), bench.start(asking(both))]);
    for (const size of [1, 30, 300]) {
      await bench.store(size - (size === 1 ? 0 : size === 30 ? 1 : 30));
      for (const service of services) {
        expect(await signed(service, size)).toMatchObject({ origin, witnesses: [{ name: 'witness.example/a' }, { name: 'witness.example/b' }] });
        const trusted = checkPolicy(policy(both), await served(service));
        expect([trusted.size, trusted.witnessedAt.size]).toEqual([size, 2]);
      }
    }
  });

  it('goes on from what a witness knows after a restart', async () => {
    const w = [await witness('a')];
    const before = await bench.start(asking(w));
    await bench.store(20);
    await signed(before, 20);
    await before.stop();
    await bench.store(20);
    const service = await bench.start(asking(w));
    await signed(service, 40);
    expect(checkPolicy(policy(w), await served(service)).size).toBe(40);
  });

  it('serves without a witness that is away, when it waited long enough, and says which', async () => {
    const here = await witness('a');
    const away = { ...(await witness('b')), url: 'http://127.0.0.1:9' };
    const service = await bench.start(asking([here, away], 100));
    await bench.store(5);
    await signed(service, 5);
    expect(checkPolicy(policy([here]), await served(service)).size).toBe(5);
    const note = await served(service);
    expect(() => checkPolicy(policy([here, away]), note)).toThrow(/lacks the quorum/);
    await eventually(async () => expect((await standing(service)).witnesses).toMatchObject([{ size: 5 }, { trouble: expect.stringMatching(/\S/) }]));
  });

  it('cannot get a second history cosigned: a copy of the log with the same key', async () => {
    const w = [await witness('a')];
    const genuine = await bench.start(asking(w));
    await bench.store(20);
    await signed(genuine, 20);
    const copy = await logBench();
    try {
      const service = await copy.start(asking(w));
      await copy.store(30);
      await eventually(async () => expect((await standing(service)).witnesses[0]?.trouble).toMatch(/422|another root/));
      expect(await standing(service)).not.toHaveProperty('size'); // nothing is served
      expect((await fetch(`${service.url}/log/checkpoint`)).status).toBe(404);
    } finally {
      await copy.drop();
    }
  });

  it('hears from the witness that its database is older than what was signed', async () => {
    const w = [await witness('a')];
    const genuine = await bench.start(asking(w));
    await bench.store(20);
    await signed(genuine, 20);
    const restored = await logBench();
    try {
      const service = await restored.start(asking(w));
      await restored.store(5);
      await eventually(async () => expect((await standing(service)).witnesses[0]?.trouble).toMatch(/knows of 5 at most: an older state of it was restored/));
    } finally {
      await restored.drop();
    }
  });
});

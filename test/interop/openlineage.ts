import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startSuite, type Session } from '@vitae/local';
import type { InteropResult } from './interop.ts';
import { installPython } from './python.ts';

const PEER = fileURLToPath(new URL('../../interop/openlineage_peer.py', import.meta.url));
const REQUIREMENTS = fileURLToPath(new URL('../../interop/openlineage-requirements.txt', import.meta.url));
const FIXTURES = new URL('../../fixtures/german-credit/', import.meta.url);
const PROJECT = 'interop';
const run = promisify(execFile);

/**
 * Does OpenLineage's own Python client work with the registry, and read what the registry tells? A suite is started, a dataset
 * version and a model version are registered; then the client sends events of runs, datasets and jobs, and reads the feed
 * into its own classes.
 */
export async function openLineageInterop(say: (line: string) => void): Promise<InteropResult> {
  const directory = await mkdtemp(join(tmpdir(), 'vitae-openlineage-'));
  try {
    const python = await installPython(directory, REQUIREMENTS);
    if (typeof python !== 'string') return { passed: 0, failed: 0, skipped: python.why };
    const suite = await startSuite({ dataDir: join(directory, 'suite'), durable: false, single: true });
    try {
      const registry = `${suite.frontDoor}/api/registry`;
      const dana = suite.as('dana');
      const known = await registered(registry, dana);
      // The client has a place for a token, and sends it as a bearer.
      const { stdout } = await run(python, [PEER], { env: { ...process.env, REGISTRY: registry, PROJECT, TOKEN: await dana.accessToken(), ...known }, timeout: 300_000 });
      const outcomes = stdout.trim().split('\n').map((line) => JSON.parse(line) as { readonly what: string; readonly why?: string });
      for (const { what, why } of outcomes) say(why === undefined ? `ok   it ${what}` : `FAIL it ${what}: ${why}`);
      const failed = outcomes.filter(({ why }) => why !== undefined).length;
      return { passed: outcomes.length - failed, failed };
    } finally {
      await suite.stop();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function registered(registry: string, as: Session): Promise<{ readonly DIGEST: string; readonly DATASET_VERSION: string; readonly MODEL_VERSION: string }> {
  const post = async <Answer>(path: string, body: object): Promise<Answer> => {
    const raw = body instanceof Uint8Array;
    const response = await fetch(`${registry}/v1/projects/${PROJECT}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await as.accessToken()}`, 'content-type': raw ? 'application/octet-stream' : 'application/json' },
      body: raw ? new Uint8Array(body) : JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`POST ${path} answered ${response.status} ${await response.text()}`);
    return (await response.json()) as Answer;
  };
  const upload = async (name: string): Promise<string> => (await post<{ digest: string }>('/artefacts', await readFile(new URL(name, FIXTURES)))).digest;
  const digest = await upload('credit.csv');
  const data = await post<{ id: string }>('/datasets/german-credit/versions', { digest, mediaType: 'text/csv', source: 'Statlog', licence: 'CC BY 4.0' });
  const model = await post<{ id: string }>('/models', { name: 'credit', task: 'binary-classification', useCaseId: '01890000-0000-7000-8000-000000000001' });
  const version = await post<{ id: string }>(`/models/${model.id}/versions`, {
    artefact: { digest: await upload('credit-v1.onnx'), path: 'model.onnx', format: 'onnx' }, datasetVersionId: data.id, source: { repository: 'https://example.org/credit.git', commit: 'abcdef0' },
  });
  return { DIGEST: digest, DATASET_VERSION: data.id, MODEL_VERSION: version.id };
}

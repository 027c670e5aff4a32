import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startSuite, type Session } from '@vitae/local';
import type { InteropResult } from './interop.ts';
import { installPython } from './python.ts';

const PEER = fileURLToPath(new URL('../../interop/cards_peer.py', import.meta.url));
const REQUIREMENTS = fileURLToPath(new URL('../../interop/cards-requirements.txt', import.meta.url));
const FIXTURES = new URL('../../fixtures/german-credit/', import.meta.url);

/**
 * Do others' readers understand what the registry exports? A suite is started and asked through its front door; MLCommons'
 * library loads the Croissant and the rows that it points at, SPDX's own model reads the bill of materials.
 */
export async function cardsInterop(say: (line: string) => void): Promise<InteropResult> {
  const directory = await mkdtemp(join(tmpdir(), 'vitae-cards-'));
  try {
    const python = await installPython(directory, REQUIREMENTS);
    if (typeof python !== 'string') return { passed: 0, failed: 0, skipped: python.why };
    const outcomes = await checks(directory, python);
    for (const [what, why] of outcomes) say(why === undefined ? `ok   ${what}` : `FAIL ${what}: ${why}`);
    const failed = outcomes.filter(([, why]) => why !== undefined).length;
    return { passed: outcomes.length - failed, failed };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Each check, and why it failed. */
async function checks(directory: string, python: string): Promise<(readonly [string, string | undefined])[]> {
  const suite = await startSuite({ dataDir: join(directory, 'suite'), durable: false, single: true });
  const dana = suite.as('dana');
  const peer = openPeer(python, await dana.accessToken());
  const outcomes: (readonly [string, string | undefined])[] = [];
  const check = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    outcomes.push([what, await work().then(() => undefined, (error: Error) => error.message)]);
  };
  try {
    const { croissant, spdx, rowCount } = await exported(`${suite.frontDoor}/api/registry/v1/projects/interop`, dana);
    await check('Croissant: that it is valid, and has every column', async () => {
      const found = (await peer.ask({ do: 'croissant', document: croissant })) as string[];
      if (!found.includes('bad_credit')) throw new Error(`it found the fields ${found.join(', ')}`);
    });
    await check('Croissant: that its rows can be fetched and are all there', async () => {
      const found = (await peer.ask({ do: 'rows', document: croissant })) as object[];
      if (found.length !== rowCount) throw new Error(`it found ${found.length} rows and not ${rowCount}`);
    });
    await check('SPDX: that its model reads it', async () => {
      const found = (await peer.ask({ do: 'spdx', document: spdx })) as string[];
      for (const type of ['ai_AIPackage', 'dataset_DatasetPackage', 'software_File']) if (!found.includes(type)) throw new Error(`it found no ${type}, only ${found.join(', ')}`);
    });
    await check('SPDX: that it refuses a type that there is not', async () => {
      const broken = { ...spdx, '@graph': [...spdx['@graph'], { type: 'ai_Invented', spdxId: 'https://example.org/x', creationInfo: '_:creation' }] };
      const found = await peer.ask({ do: 'spdx', document: broken }).then((types) => types, () => undefined);
      if (found !== undefined) throw new Error('it was read');
    });
  } finally {
    await peer.close();
    await suite.stop();
  }
  return outcomes;
}

interface Exports {
  readonly croissant: object;
  readonly spdx: { readonly '@graph': readonly object[] };
  readonly rowCount: number;
}

/** A dataset and a version of a model are registered and evaluated, then exported. */
async function exported(base: string, as: Session): Promise<Exports> {
  const who = async (): Promise<{ readonly authorization: string }> => ({ authorization: `Bearer ${await as.accessToken()}` });
  const send = async <T>(path: string, body: object | Uint8Array): Promise<T> => {
    const raw = body instanceof Uint8Array;
    const response = await fetch(`${base}${path}`, {
      method: 'POST',
      headers: { ...(await who()), 'content-type': raw ? 'application/octet-stream' : 'application/json' },
      body: raw ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`POST ${path} was answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  };
  const get = async <T>(path: string): Promise<T> => (await (await fetch(`${base}${path}`, { headers: await who() })).json()) as T;
  const upload = async (name: string): Promise<string> => (await send<{ digest: string }>('/artefacts', await readFile(new URL(name, FIXTURES)))).digest;

  const data = await send<{ id: string; rowCount: number }>('/datasets/german-credit/versions', {
    digest: await upload('credit.csv'), mediaType: 'text/csv', labelColumn: 'bad_credit', splitColumn: 'split', protectedColumns: ['sex'], piiClasses: { sex: 'personal' }, lawfulBasis: 'contract', source: 'Statlog German Credit', licence: 'CC BY 4.0',
  });
  const model = await send<{ id: string }>('/models', { name: 'credit', description: '', task: 'binary-classification', useCaseId: '01890000-0000-7000-8000-000000000001' });
  const version = await send<{ id: string }>(`/models/${model.id}/versions`, {
    artefact: { digest: await upload('credit-v1.onnx'), path: 'model.onnx', format: 'onnx' }, datasetVersionId: data.id, source: { repository: 'https://example.org/credit.git', commit: 'abcdef0123' },
  });
  await send(`/model-versions/${version.id}/evaluations`, { datasetVersionId: data.id, split: 'test' });
  return { croissant: await get(`/dataset-versions/${data.id}/croissant`), spdx: await get(`/model-versions/${version.id}/bom?format=spdx`), rowCount: data.rowCount };
}

/** The Python process: it answers one question after the other. MLCommons' library knows Basic alone; a token may be its password. */
function openPeer(python: string, token: string) {
  const env = { ...process.env, CROISSANT_BASIC_AUTH_USERNAME: 'dana', CROISSANT_BASIC_AUTH_PASSWORD: token };
  const child = spawn(python, [PEER], { env, stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    ask: async (question: object): Promise<unknown> => {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      const { value } = await lines.next();
      const { ok, why, found } = JSON.parse(value ?? '{"ok":false,"why":"it ended"}') as { ok: boolean; why?: string; found?: unknown };
      if (!ok) throw new Error(why);
      return found;
    },
    close: async (): Promise<void> => {
      child.stdin.end();
      if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
    },
  };
}

import { execFile, spawn, type ChildProcessByStdio } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { USUAL_RETRIES, vitae as clientOf, VitaeProblem, VitaeUnreachable, type VitaeClient } from '@vitae/client';
import { as, eventually } from '@vitae/testing';
import { openFrontDoor, type FrontDoor } from './front-door.fixture.ts';
import { runRegistry, type RunningRegistry } from './running-registry.fixture.ts';

// The command as a process of its own, from its source, and the client under it, against a real registry behind a door.

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const FIXTURES = here('../../../test/fixtures/german-credit/');
const NODE = ['--conditions=@vitae/source', here('../../../libs/cli/src/main.ts')];

let running: RunningRegistry;
let door: FrontDoor;
let client: VitaeClient;
let directory: string;
const at = (path: string): string => join(directory, path);

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
const environment = (more: object = {}): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], HOME: directory, XDG_STATE_HOME: at('state'), VITAE_URL: door.url, VITAE_PROJECT: 'credit', VITAE_TOKEN: token(), VITAE_COMPLETION_PATIENCE_MS: '60000', ...more }) as NodeJS.ProcessEnv;

/** Of dana. */
const token = (): string => as('human/dana').replace('Bearer ', '');
/** A process of its own. */
function started(args: readonly string[], env: object = {}): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...NODE, ...args], { env: environment(env), cwd: directory, maxBuffer: 1 << 26 }, (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }));
  });
}

let lines: { readonly child: ChildProcessByStdio<Writable, Readable, null>; readonly answers: AsyncIterator<string> };
/** One line after the other, in one process. */
async function run(args: readonly string[], env: object = {}): Promise<Ran> {
  lines.child.stdin.write(`${JSON.stringify({ args, env: environment(env) })}\n`);
  return JSON.parse((await lines.answers.next()).value as string) as Ran;
}
const vitae = (...args: readonly string[]): Promise<Ran> => run(args);
/** What it says with --json; it MUST have ended well. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
async function told(...args: readonly string[]): Promise<any> {
  const { code, stdout, stderr } = await vitae(...args, '--json');
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
  return JSON.parse(stdout);
}
const cells = (text: string): string[][] => text.trimEnd().split('\n').map((line) => line.split('\t'));

const useCase = randomUUID();
const CODE = ['--repository', 'https://example.org/credit.git', '--commit', 'abcdef0'] as const;
const register = (model: string, ...more: readonly string[]): Promise<Ran> => vitae('versions', 'register', model, ...more, '--dataset', 'german-credit/1', ...CODE);

beforeAll(async () => {
  [running, directory] = await Promise.all([runRegistry(), mkdtemp(join(tmpdir(), 'vitae-cli-'))]);
  door = await openFrontDoor(running.service.url);
  const child = spawn(process.execPath, ['--conditions=@vitae/source', here('./command-lines.fixture.ts')], { cwd: directory, stdio: ['pipe', 'pipe', 'inherit'] });
  lines = { child, answers: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
  client = clientOf({ url: door.url, project: 'credit', token: async () => token() });
  await cp(FIXTURES, at('german'), { recursive: true });
  await told('datasets', 'register', 'german-credit', 'german/credit.csv', '--source', 'Statlog', '--licence', 'CC BY 4.0', '--label', 'bad_credit', '--split', 'split');
  await told('models', 'register', 'credit', '--task', 'binary-classification', '--use-case', useCase, '--tag', 'team=risk');
  for (const n of [1, 2]) expect((await register('credit', `german/credit-v${n}.onnx`, '--metric', 'auc=0.8')).code).toBe(0);
  await client.models.assignAlias('credit', 'champion', 2);
});
afterAll(async () => {
  lines?.child.stdin.end();
  await door?.close();
  await running?.stop();
  await rm(directory, { recursive: true, force: true });
});

describe('vitae models', () => {
  it('registers, describes, tags, names and shows', async () => {
    await told('models', 'register', 'pricing', '--task', 'regression', '--use-case', useCase, '--description', 'Prices', '--tag', 'team=sales', '--reason', 'asked for by größte Kundin');
    await told('models', 'tag', 'pricing', 'tier=1', 'note=a=b', '--remove', 'team');
    await told('models', 'describe', 'pricing', 'Prices of loans', '--name', 'loan pricing');
    expect(await told('models', 'show', 'loan pricing')).toMatchObject({ ok: true, name: 'loan pricing', description: 'Prices of loans', tags: { tier: '1', note: 'a=b' }, state: 'active' });
    expect(await told('models', 'alias', 'credit', 'trial', '1')).toMatchObject({ version: 1, previousVersion: null });
    expect(await vitae('models', 'alias', 'credit', 'trial', '2')).toMatchObject({ code: 0, stdout: 'trial of credit is version 2; it was 1\n', stderr: '' });
    expect(await told('models', 'alias', 'credit', 'trial', '--protect', 'dana', 'rita')).toMatchObject({ allowed: ['dana', 'rita'] });
    expect(await vitae('models', 'alias', 'credit', 'trial', '1')).toMatchObject({ code: 1, stderr: expect.stringContaining('four eyes') });
    await told('models', 'alias', 'credit', 'trial', '--unprotect');
    await told('models', 'alias', 'credit', 'trial', '--remove');
    const { code, stdout } = await vitae('models', 'show', 'credit');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^credit {2}active\n/);
    expect(stdout).toMatch(/\n {2}aliases +champion → 2\n/);
    const { rows } = await running.pool.query(`select metadata ->> 'reason' as reason from ledger.event where type like '%ModelRegistered' order by id desc limit 1`);
    expect(rows).toEqual([{ reason: 'asked for by größte Kundin' }]);
  });

  it('lists for a pipe without head, colour or cutting, and filters', async () => {
    const { code, stdout, stderr } = await run(['models', 'list', '--filter', `name = 'credit'`], { FORCE_COLOR: '' });
    expect([code, stderr]).toEqual([0, '']);
    const [row] = cells(stdout);
    expect(row).toHaveLength(7);
    expect(row?.slice(0, 2)).toEqual(['credit', '2']);
    expect(row?.[4]).toBe('binary-classification');
    expect(cells((await vitae('models', 'search', `tags.team = 'risk'`)).stdout).map(([name]) => name)).toEqual(['credit']);
    expect(await vitae('models', 'list', '--filter', `name = 'nothing'`)).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('prints every one as JSON lines, page by page', async () => {
    for (let n = 0; n < 3; n += 1) await client.models.register({ name: `many-${n}`, task: 'ranking', useCaseId: useCase });
    const { stdout } = await vitae('models', 'list', '--all', '--filter', `name LIKE 'many-%'`, '--order-by', 'name DESC', '--json');
    expect(stdout.trimEnd().split('\n').map((line) => (JSON.parse(line) as { name: string }).name)).toEqual(['many-2', 'many-1', 'many-0']);
    const names: string[] = [];
    for await (const { name } of client.models.list({ filter: `name LIKE 'many-%'`, limit: 1 })) names.push(name);
    expect(names).toEqual(['many-0', 'many-1', 'many-2']);
  });

  it('is deprecated with a successor, deleted when somebody says yes, and restored by name', async () => {
    await told('models', 'register', 'old', '--task', 'ranking', '--use-case', useCase);
    expect(await told('models', 'deprecate', 'old', 'too slow', '--successor', 'credit')).toMatchObject({ state: 'deprecated' });
    expect(await vitae('models', 'delete', 'old')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Nobody can be asked here: say --yes. Nothing was done.') });
    expect(await told('models', 'delete', 'old', '--dry-run')).toMatchObject({ dryRun: true });
    expect(await told('models', 'show', 'old')).toMatchObject({ deletedAt: null, deprecation: { reason: 'too slow' } });
    expect(await told('models', 'delete', 'old', '--yes')).toMatchObject({ deleted: true });
    expect(await vitae('models', 'show', 'old')).toMatchObject({ code: 1, stderr: 'vitae: Model not found: There is no model old in project credit.\n' });
    await told('models', 'restore', 'old');
    expect((await client.models.get('old')).state).toBe('deprecated');
  });
});

describe('vitae versions', () => {
  it('lists, shows, tags, describes and prints card and bill of materials', async () => {
    expect(cells((await vitae('versions', 'list', 'credit', '--order-by', 'version DESC')).stdout).map(([name]) => name)).toEqual(['credit/2', 'credit/1']);
    await told('versions', 'tag', 'credit/2', 'stage=shadow');
    await told('versions', 'describe', 'credit@champion', 'The second one');
    expect(await told('versions', 'show', 'credit')).toMatchObject({ version: 2, description: 'The second one', tags: { stage: 'shadow' }, trainingMetrics: { auc: 0.8 }, source: { commit: 'abcdef0' } });
    expect((await vitae('versions', 'show', 'credit/2')).stdout).toMatch(/\n {2}files +credit-v2.onnx {2}[\d.]+ (kB|bytes)\n/);
    expect(await vitae('versions', 'card', 'credit/2')).toMatchObject({ code: 1, stderr: expect.stringContaining('vitae: ') });
    await told('versions', 'card', 'credit/2', '--draft');
    expect((await vitae('versions', 'card', 'credit/2', '--revision', 'newest')).stdout).toMatch(/^---\n/);
    expect(JSON.parse((await vitae('versions', 'bom', 'credit/2', '--spec', '1.6')).stdout)).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6' });
    expect(await vitae('versions', 'bom', 'credit/2', '--format', 'spdx', '--out', 'bom.json')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^bom.json: /) });
    expect(JSON.parse(await readFile(at('bom.json'), 'utf8'))).toHaveProperty('@graph');
  });

  it('registers a directory of files, and fetches them again', async () => {
    await mkdir(at('whole/config'), { recursive: true });
    await cp(at('german/credit-v3.onnx'), at('whole/model.onnx'));
    await writeFile(at('whole/config/a b.json'), '{}');
    const dry = await vitae('versions', 'register', 'credit', 'whole', '--dataset', 'german-credit/1', ...CODE, '--dry-run');
    expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining('config/a b.json  2 bytes  sha256:') });
    expect(await register('credit', 'whole', '--contributor', 'ben', '--contributor', 'eva', '--tag', 'seed=1')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^credit\/3 is registered\n/) });
    expect(await told('versions', 'show', 'credit/3')).toMatchObject({ contributors: expect.arrayContaining(['ben', 'eva']), tags: { seed: '1' } });
    expect(await told('versions', 'download', 'credit/3', '--to', 'back')).toMatchObject({ files: [{ how: 'fetched' }, { how: 'fetched' }] });
    expect(await readFile(at('back/model.onnx'))).toEqual(await readFile(at('whole/model.onnx')));
    expect((await told('versions', 'download', 'credit/3', '--to', 'back')).files.map(({ how }: { how: string }) => how)).toEqual(['there', 'there']);
    await writeFile(at('back/config/a b.json'), 'mine');
    expect(await vitae('versions', 'download', 'credit/3', '--to', 'back')).toMatchObject({ code: 2, stderr: expect.stringContaining('is there and differs') });
    expect(await readFile(at('back/config/a b.json'), 'utf8')).toBe('mine');
    expect((await vitae('versions', 'download', 'credit/3', '--to', 'back', '--force')).code).toBe(0);
    expect((await readdir(at('back'), { recursive: true })).sort()).toEqual(['config', 'config/a b.json', 'model.onnx']);
  });

  it('is deprecated, deleted, restored and purged; what purging removes is gone', async () => {
    expect(await told('versions', 'deprecate', 'credit/1', 'worse than 2', '--successor', 'credit/2')).toMatchObject({ state: 'deprecated' });
    expect(await vitae('versions', 'purge', 'credit/1', '--yes')).toMatchObject({ code: 1, stderr: expect.stringContaining('vitae: ') });
    const { id } = await client.versions.get('credit/1');
    expect(await vitae('versions', 'delete', 'credit/1', '--yes')).toMatchObject({ code: 0, stdout: expect.stringContaining(`vitae versions restore ${id}`) });
    expect((await vitae('versions', 'show', 'credit/1')).code).toBe(1);
    await told('versions', 'restore', 'credit/1');
    await told('versions', 'delete', id, '--yes');
    expect(await vitae('versions', 'purge', id)).toMatchObject({ code: 2, stderr: expect.stringContaining('for ever') });
    expect(await told('versions', 'purge', 'credit/1', '--yes')).toMatchObject({ state: 'purged' });
  });
});

describe('vitae datasets', () => {
  it('registers what was made of another, lists and shows', async () => {
    await writeFile(at('small.csv'), 'age,city\n30,Bern\n40,Basel\n');
    expect(await told('datasets', 'register', 'small', 'small.csv', '--source', 'made here', '--licence', 'CC0-1.0', '--pii', 'age=personal', '--lawful-basis', 'contract', '--purpose', 'testing', '--from', 'german-credit/1')).toMatchObject({ version: 1, rowCount: 2, piiClass: 'personal' });
    expect(cells((await vitae('datasets', 'list')).stdout).map(([name, newest]) => [name, newest])).toEqual([['german-credit', '1'], ['small', '1']]);
    expect(cells((await vitae('datasets', 'versions', '--pii', 'personal')).stdout).map(([name, state, rows]) => [name, state, rows])).toEqual([['small/1', 'registered', '2']]);
    expect(await told('datasets', 'show', 'small')).toMatchObject({ name: 'small', versions: 1 });
    expect((await vitae('datasets', 'show', 'small/1')).stdout).toMatch(/\n {2}columns +age \w+ personal\n/);
    expect(JSON.parse((await vitae('datasets', 'croissant', 'small/1')).stdout)).toMatchObject({ '@type': 'sc:Dataset' });
  });

  it('is put into quarantine, and then nothing is built on it', async () => {
    expect(await told('datasets', 'quarantine', 'small/1', 'wrong people')).toMatchObject({ state: 'quarantined' });
    expect(await vitae('versions', 'register', 'credit', 'german/credit-v1.onnx', '--dataset', 'small/1', ...CODE)).toMatchObject({ code: 1, stderr: expect.stringContaining('quarantine') });
    expect(await vitae('datasets', 'quarantine', 'small/1', 'they agreed', '--lift')).toMatchObject({ code: 1, stderr: expect.stringContaining('dana registered it and so cannot lift') });
    const lift = (name: string) => run(['datasets', 'quarantine', name, 'they agreed', '--lift', '--json'], { VITAE_TOKEN: as('human/vera').replace('Bearer ', '') });
    expect(JSON.parse((await lift('small/1')).stdout)).toMatchObject({ ok: true, state: 'registered' });
    await told('datasets', 'quarantine', 'german-credit/1', 'wrong labels');
    expect((await vitae('versions', 'show', 'credit/2')).stdout).toMatch(/\n {2}dataset +\S+ {2}IN QUARANTINE/);
    expect(await lift('german-credit/1')).toMatchObject({ code: 0 });
  });
});

describe('vitae evaluations', () => {
  it('runs, lists, shows, compares and invalidates', async () => {
    const run = await told('evaluations', 'run', 'credit/2', '--dataset', 'german-credit/1', '--split', 'test');
    expect(run).toMatchObject({ ok: true, source: 'measured', split: 'test' });
    expect(cells((await vitae('evaluations', 'list', 'credit/2')).stdout).map(([id, state]) => [id, state])).toEqual([[run.id, 'measured']]);
    const auc = (run.metrics as { name: string; value: number }[]).find(({ name }) => name === 'auc')?.value ?? 0;
    const shown = (await vitae('evaluations', 'show', run.id)).stdout.split('\n').find((line) => line.startsWith('auc\t'));
    expect(Number(shown?.split('\t')[1])).toBeCloseTo(auc, 3);
    await register('credit', 'german/credit-v3.onnx', '--tag', 'for=comparison');
    const compared = await vitae('evaluations', 'compare', 'credit@champion', 'credit', '--dataset', 'german-credit/1', '--split', 'test');
    expect(compared.code).toBe(0);
    expect(compared.stdout).toMatch(/\nauc\t[\d.]+\t[\d.]+\t[+-][\d.e-]+ \(\S+ to \S+\)( \*)?\n/);
    expect(await told('evaluations', 'invalidate', run.id, 'the split was wrong', '--cause', 'wrong-data')).toMatchObject({ invalidationCause: 'wrong-data' });
    expect((await vitae('evaluations', 'list', 'credit/2')).stdout).toContain('invalid');
  });

  it('says what is missing', async () => {
    expect(await vitae('evaluations', 'run', 'credit/2')).toMatchObject({ code: 2, stderr: expect.stringContaining('Say --dataset, or --suite') });
    expect(await vitae('evaluations', 'run', 'credit/2', '--dataset', 'german-credit/1', '--split', 'nothing')).toMatchObject({ code: 1, stderr: expect.stringContaining('no split named nothing') });
    expect(await vitae('evaluations', 'invalidate', randomUUID(), 'why', '--cause', 'mood')).toMatchObject({ code: 2, stderr: expect.stringContaining('Allowed choices are') });
  });
});

describe('vitae lineage', () => {
  it('leads up to the data and the code, and down again', async () => {
    const { id } = await client.versions.get('credit/2');
    const dataset = await client.datasets.versionId('german-credit/1');
    await eventually(async () => expect((await told('lineage', 'up', 'credit/2')).nodes.map(({ node }: { node: string }) => node)).toEqual(expect.arrayContaining([`model-version:${id}`, `dataset-version:${dataset}`])));
    const { stdout } = await vitae('lineage', 'up', 'credit/2');
    expect(stdout).toMatch(/^model-version .*\n(├─|└─) /);
    expect((await vitae('lineage', 'up', 'credit/2', '--format', 'dot')).stdout).toMatch(/^digraph lineage \{\n/);
    expect((await vitae('lineage', 'up', 'credit/2', '--format', 'mermaid')).stdout).toMatch(/^flowchart LR\n/);
    expect(JSON.parse((await vitae('lineage', 'up', 'credit/2', '--format', 'json')).stdout)).toMatchObject({ ok: true, direction: 'up' });
    expect((await told('lineage', 'down', 'dataset-version:german-credit/1', '--kind', 'model-version')).nodes.map(({ node }: { node: string }) => node)).toContain(`model-version:${id}`);
    expect((await vitae('lineage', 'path', 'dataset-version:german-credit/1', 'credit/2')).stdout).toMatch(/^dataset-version .*\n {2}.* → model-version /);
  });

  it('as of before is nothing, and the wrong way leads nowhere', async () => {
    expect(await vitae('lineage', 'up', 'credit/2', '--as-of', '2020-01-01T00:00:00Z')).toMatchObject({ code: 1, stderr: expect.stringContaining('vitae: ') });
    expect(await vitae('lineage', 'path', 'credit/2', 'dataset-version:german-credit/1')).toMatchObject({ code: 1, stdout: expect.stringContaining('Nothing leads from') });
    expect(await vitae('lineage', 'up', 'nonsense:1')).toMatchObject({ code: 1, stderr: expect.stringContaining('A node is kind:id') });
    expect(await vitae('lineage', 'up', randomUUID())).toMatchObject({ code: 2, stderr: expect.stringContaining('may be the id of anything') });
  });
});

describe('an upload', () => {
  const big = (): Promise<{ bytes: Buffer; digest: string }> => {
    const bytes = randomBytes(4_000_000);
    return writeFile(at('big.bin'), bytes).then(() => ({ bytes, digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` }));
  };
  const sent = (from: number): string[] => door.seen.slice(from).map((line) => line.replace(/[0-9a-f-]{36}|sha256:\w+/, '…'));

  it('goes on by itself where the line broke', async () => {
    const { digest } = await big();
    const before = door.seen.length;
    door.breakOff('PATCH', 1_500_000);
    const progress: number[] = [];
    expect(await client.artefacts.upload(at('big.bin'), { onProgress: (done) => progress.push(done) })).toMatchObject({ digest, sizeBytes: 4_000_000 });
    const uploads = '/v1/projects/credit/artefact-uploads';
    expect(sent(before)).toEqual(['HEAD /v1/projects/credit/artefacts/…', `POST ${uploads}`, `PATCH ${uploads}/…`, `HEAD ${uploads}/…`, `PATCH ${uploads}/…`]);
    expect(progress.at(-1)).toBe(4_000_000);
    expect(await client.artefacts.upload(at('big.bin'))).toMatchObject({ how: 'known' });
  });

  it('that a process did not finish is finished by the next one', async () => {
    const { digest, bytes } = await big();
    const memory = at('memory');
    door.breakOff('PATCH', 1_500_000);
    const impatient = clientOf({ url: door.url, project: 'credit', token: async () => token(), retry: { ...USUAL_RETRIES, retries: 0 } });
    await expect(impatient.artefacts.upload(at('big.bin'), { memory })).rejects.toBeInstanceOf(VitaeUnreachable);
    expect(await readdir(memory)).toHaveLength(1);
    const again = await client.artefacts.upload(at('big.bin'), { memory });
    expect(again).toMatchObject({ digest, how: 'resumed' });
    expect(again.from).toBeGreaterThan(0);
    expect(await readdir(memory)).toEqual([]);
    await client.artefacts.download(digest, at('big.back'));
    expect((await readFile(at('big.back'))).equals(bytes)).toBe(true);
  });

  it('of a command that was stopped by Ctrl-C goes on with the same command', async () => {
    await mkdir(at('heavy'), { recursive: true });
    await cp(at('german/credit-v2.onnx'), at('heavy/model.onnx'));
    await writeFile(at('heavy/weights.bin'), randomBytes(6_000_000));
    const line = ['versions', 'register', 'credit', 'heavy', '--main', 'model.onnx', '--dataset', 'german-credit/1', ...CODE];
    const stands = door.hold('PATCH', 2_000_000);
    const child = spawn(process.execPath, [...NODE, ...line], { env: environment(), cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = once(child, 'close');
    await stands;
    child.kill('SIGINT');
    expect(await ended).toEqual([2, null]);
    expect(said).toContain('vitae: The upload was interrupted. The same command goes on where it was.');
    const before = door.seen.length;
    expect(await vitae(...line)).toMatchObject({ code: 0, stderr: '' });
    expect(sent(before).filter((request) => request.startsWith('POST') && request.endsWith('artefact-uploads'))).toEqual([]);
  });

  it('is not begun when it was called off', async () => {
    await big();
    await expect(client.artefacts.upload(at('big.bin'), { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });

  it('of another file than was said is not sent', async () => {
    await big();
    const before = door.seen.length;
    await expect(client.artefacts.upload(at('big.bin'), { digest: `sha256:${'0'.repeat(64)}` })).rejects.toThrow(/has the digest sha256:\w{64}, and not sha256:0{64}/);
    expect(door.seen).toHaveLength(before);
  });

  it('of nothing is refused in the words of the registry', async () => {
    await writeFile(at('empty.bin'), '');
    await expect(client.artefacts.upload(at('empty.bin'))).rejects.toMatchObject({ reason: 'artefact-empty', status: 422 });
  });
});

describe('a download', () => {
  it('goes on where the line broke, and is proven', async () => {
    const bytes = randomBytes(4_000_000);
    await writeFile(at('down.bin'), bytes);
    const { digest } = await client.artefacts.upload(at('down.bin'));
    const before = door.seen.length;
    door.breakOff('GET', 1_500_000);
    expect(await client.artefacts.download(digest, at('down/copy.bin'))).toMatchObject({ sizeBytes: 4_000_000, from: 0 });
    expect(door.seen.slice(before).filter((line) => line.startsWith('GET'))).toHaveLength(2);
    expect((await readFile(at('down/copy.bin'))).equals(bytes)).toBe(true);
    await writeFile(at('down/rest.bin.part'), bytes.subarray(0, 3_000_000));
    expect(await client.artefacts.download(digest, at('down/rest.bin'))).toMatchObject({ from: 3_000_000 });
    expect((await readFile(at('down/rest.bin'))).equals(bytes)).toBe(true);
  });

  it('whose beginning was something else gives no file', async () => {
    const { digest } = await client.artefacts.upload(at('down.bin'));
    await writeFile(at('down/bad.bin.part'), Buffer.alloc(1_000));
    await expect(client.artefacts.download(digest, at('down/bad.bin'))).rejects.toMatchObject({ name: 'DigestMismatch' });
    expect((await readdir(at('down'))).filter((name) => name.startsWith('bad'))).toEqual([]);
  });
});

describe('what goes wrong', () => {
  it('says what an address without /api lacks', async () => {
    expect(await vitae('models', 'list', '--url', running.service.url)).toEqual({ code: 1, stdout: '', stderr: expect.stringContaining("it is the front door's address with /api behind it, such as http://127.0.0.1:7400/api.") });
  });

  it.each([
    [['models', 'show', 'nobody'], 1, 'There is no model nobody in project credit'],
    [['versions', 'show', 'credit/99'], 1, 'There is no version 99 of the model credit'],
    [['versions', 'show', 'credit@nobody'], 1, 'nobody'],
    [['models', 'list', '--filter', 'name ='], 1, 'filter'],
    [['models', 'register', 'credit', '--task', 'ranking', '--use-case', useCase], 1, 'credit'],
    [['models', 'register', 'x', '--task', 'ranking', '--use-case', 'no-uuid'], 1, '/useCaseId'],
    [['models', 'alias', 'credit', 'champion', '99'], 1, '99'],
    [['models', 'alias', 'credit', 'champion'], 2, 'Say the number of a version'],
    [['models', 'tag', 'credit', 'nothing'], 2, 'nothing is not key=value'],
    [['models', 'list', '--limit', '0'], 2, 'a whole number from 1 to 200'],
    [['models', 'list', '--project', 'No Project'], 2, 'No Project is no project'],
    [['versions', 'register', 'credit', 'german/credit-v1.onnx', '--dataset', 'german-credit/9', ...CODE], 1, 'no dataset version'],
    [['versions', 'register', 'credit', 'german', '--dataset', 'german-credit/1', ...CODE], 2, 'Say --main credit-v1.onnx or --main credit-v2.onnx'],
    [['versions', 'register', 'credit', 'nowhere', '--dataset', 'german-credit/1', ...CODE], 2, 'nowhere cannot be read (ENOENT)'],
    [['versions', 'register', 'credit', 'german/credit-v1.onnx', '--dataset', 'german-credit/1', ...CODE, '--metric', 'auc=high'], 2, 'high is not a number'],
    [['versions', 'download', 'credit/2', '--file', 'nothing'], 2, 'The version has no nothing. It has credit-v2.onnx.'],
  ])('%j ends with %i', async (args, code, message) => {
    const ran = await vitae(...args);
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code, stdout: '' });
    expect(ran.stderr).toContain(message);
  });

  it('is told as JSON, with the reason to compare with', async () => {
    const { code, stdout, stderr } = await started(['models', 'register', 'credit', '--task', 'ranking', '--use-case', useCase, '--json']);
    expect([code, stderr]).toEqual([1, '']);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, status: 409, reason: 'model-name-taken' });
  });

  it('is a server that is away: exit code 2, and what to do', async () => {
    const closed = await openFrontDoor(running.service.url);
    await closed.close();
    const { code, stderr } = await started(['models', 'list'], { VITAE_URL: closed.url });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^vitae: http:\/\/127\.0\.0\.1:\d+\/api\/registry\S+ does not answer \(ECONNREFUSED\)\. Start Vitae/);
    await expect(clientOf({ url: 'http://127.0.0.1:1/api', project: 'credit', retry: { retries: 1, first: 1, longest: 1 } }).models.get('credit')).rejects.toBeInstanceOf(VitaeUnreachable);
  });

  it('and passes is tried again, and a command is done once', async () => {
    door.answerWith(503, 2);
    expect((await client.models.get('credit')).name).toBe('credit');
    const revision = (await client.models.get('credit')).revision;
    door.answerWith(502, 1);
    await client.models.tag('credit', 'tried', 'twice');
    expect((await client.models.get('credit')).revision).toBe(revision + 1);
    door.answerWith(503, 9);
    await expect(client.models.get('credit')).rejects.toMatchObject({ status: 503, title: '503 Service Unavailable' });
    door.answerWith(503, 0);
  });

  it('because somebody was faster is refused with ifMatch', async () => {
    const { revision } = await client.models.get('credit');
    await client.models.tag('credit', 'a', '1', { ifMatch: revision });
    await expect(client.models.tag('credit', 'a', '2', { ifMatch: revision })).rejects.toMatchObject({ status: 412, reason: 'revision-mismatch' });
    await expect(clientOf({ url: door.url, project: 'credit' }).models.tag('credit', 'a', '3')).rejects.toMatchObject({ status: 401, reason: 'credential-missing' });
    await expect(client.models.get(randomUUID())).rejects.toBeInstanceOf(VitaeProblem);
  });
});

describe('completion', () => {
  const words = async (...args: string[]): Promise<string[]> => (await vitae('complete', '--', 'vitae', ...args)).stdout.split('\n').filter(Boolean).map((line) => line.split('\t')[0] ?? '');

  it('knows commands, options, choices, models and versions', async () => {
    expect(await words('models', 'de')).toEqual(['describe', 'deprecate', 'delete']);
    expect(await words('versions', 'list', '--del')).toEqual(['--deleted']);
    expect(await words('versions', 'list', '--deleted', '')).toEqual(['show', 'only']);
    expect(await words('models', 'show', 'cre')).toEqual(['credit']);
    expect(await words('models', 'deprecate', 'credit', 'why', '--successor', 'cr')).toEqual(['credit']);
    expect(await words('versions', 'deprecate', 'credit/1', 'why', '--successor', 'credit/')).toEqual(expect.arrayContaining(['credit/2']));
    expect(await words('evaluations', 'run', 'credit/2', '--dataset', 'germ')).toEqual(['german-credit/1']);
    expect(await words('versions', 'show', 'cred')).toEqual(['credit/', 'credit@champion']);
    expect(await words('versions', 'show', 'credit@c')).toEqual(['credit@champion']);
    expect(await words('models', 'show', '--project', 'elsewhere', '')).toEqual([]);
  });

  it('says nothing when the server is away', async () => {
    expect(await run(['complete', '--', 'vitae', 'models', 'show', ''], { VITAE_URL: 'http://127.0.0.1:1/api' })).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  /** A shell with the script, `vitae` on its path, and a line to complete. */
  function shell(program: string, args: readonly string[], input: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, { env: environment({ PATH: `${directory}:${process.env['PATH']}`, TERM: 'dumb' }), cwd: directory, stdio: ['pipe', 'pipe', 'ignore'] });
      let out = '';
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.on('error', reject);
      child.on('close', () => resolve(out));
      child.stdin.end(input);
    });
  }
  beforeAll(async () => {
    for (const name of ['bash', 'zsh', 'fish']) await writeFile(at(`completion.${name}`), (await vitae('completion', name)).stdout);
    await writeFile(at('vitae'), `#!/bin/sh\nexec '${process.execPath}' ${NODE.map((arg) => `'${arg}'`).join(' ')} "$@"\n`, { mode: 0o755 });
  });

  it('works in bash, also behind @ and =', async () => {
    const script = (line: string): string => `source ./completion.bash
COMP_LINE=${JSON.stringify(line)}; COMP_POINT=\${#COMP_LINE}
IFS=$' \\t\\n' ; COMP_WORDS=(${line.endsWith(' ') ? `${line} ""` : line.replace(/@(\w*)$/, ' @ $1')}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_vitae_completion 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"
`;
    expect(await shell('bash', ['--norc', '--noprofile'], script('vitae models de'))).toBe('describe\ndeprecate\ndelete\n');
    expect(await shell('bash', ['--norc', '--noprofile'], script('vitae versions show credit@ch'))).toBe('champion\n');
  });

  // As the machine has them: these two are not on every one.
  const has = (program: string): boolean => (process.env['PATH'] ?? '').split(delimiter).some((place) => existsSync(join(place, program)));
  (has('fish') ? it : it.skip)('works in fish', async () => {
    const completed = (line: string): Promise<string> => shell('fish', ['--no-config', '-c', `source completion.fish; complete -C ${JSON.stringify(line)}`], '');
    expect(await completed('vitae versions show credit@ch')).toBe('credit@champion\tversion 2\n');
  });

  (has('zsh') ? it : it.skip)('works in zsh', async () => {
    // The function as zsh calls it; what it would show is printed.
    const completed = (...words: string[]): Promise<string> =>
      shell('zsh', ['-f'], `compdef() { : }; _describe() { print -l -- "\${(@P)2}" }; _files() { print files }
source ./completion.zsh
words=(${words.map((word) => `'${word}'`).join(' ')}); CURRENT=${words.length}
_vitae
`);
    expect(await completed('vitae', 'versions', 'show', 'credit@ch')).toBe('credit@champion:version 2\n');
    expect(await completed('vitae', 'verify', '')).toBe('files\n');
  });
});

import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rebuildViews } from '@vitae/service-kit';
import { as } from '@vitae/testing';
import { registry } from './app.module.ts';
import { runRegistry, type RunningRegistry } from './running-registry.fixture.ts';

const FIXTURES = new URL('../../../test/fixtures/', import.meta.url);
const BASE = '/v1/projects/credit';

let running: RunningRegistry;
/** By file name: digests of bytes, ids of dataset versions and of model versions. */
const digests: Record<string, string> = {};
const data: Record<string, string> = {};
const versions: Record<string, string> = {};
const models: Record<string, string> = {};
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
let reference: any;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a spec asserts on the shape itself
  readonly body: any;
}

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const raw = body instanceof Uint8Array;
  const response = await fetch(`${running.service.url}${BASE}${path}`, {
    method,
    headers: { authorization: as('human/dana'), ...(body === undefined ? {} : { 'content-type': raw ? 'application/octet-stream' : 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: raw ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}
/** What was made; a spec that cannot set its scene says why. */
async function made(path: string, body: unknown): Promise<Answer['body']> {
  const answer = await call('POST', path, body);
  if (answer.status !== 201) throw new Error(`POST ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}
const problem = ({ status, body }: Answer) => ({ status, type: body?.type?.split('/').at(-1) });
const eventsOf = async (stream: string) => (await running.pool.query('select type, subjects from ledger.event where stream = $1 order by revision', [stream])).rows as { type: string; subjects: string[] }[];
const valueOf = (metrics: readonly { name: string; value: number }[], name: string): number | undefined => metrics.find((metric) => metric.name === name)?.value;
const evaluate = (version: string, body: object, headers: Record<string, string> = {}) => call('POST', `/model-versions/${versions[version]}/evaluations`, body, headers);

beforeAll(async () => {
  running = await runRegistry();
  reference = JSON.parse(await readFile(new URL('evaluation/reference.json', FIXTURES), 'utf8'));
  const upload = async (folder: string, name: string) => (digests[name] = (await made('/artefacts', await readFile(new URL(`${folder}/${name}`, FIXTURES)))).digest);
  const dataset = async (name: string, file: string, more: object) =>
    (data[name] = (await made(`/datasets/${name}/versions`, { digest: digests[file], mediaType: 'text/csv', splitColumn: 'split', source: 'drawn', licence: 'CC0-1.0', ...more })).id);
  const useCaseId = '01890000-0000-7000-8000-000000000001';
  const model = async (name: string, task: string, datasetName: string, files: readonly string[]) => {
    models[name] = (await made('/models', { name, task, useCaseId })).id;
    for (const file of files) {
      const body = { artefact: { digest: digests[file], path: 'model.onnx', format: 'onnx' }, datasetVersionId: data[datasetName], source: { repository: 'https://example.org/m.git', commit: 'abcdef0123' } };
      versions[file] = (await made(`/models/${models[name]}/versions`, body)).id;
    }
  };
  for (const file of ['credit.csv', 'credit-v1.onnx', 'credit-v2.onnx', 'credit-v3.onnx']) await upload('german-credit', file);
  for (const file of ['wine.csv', 'rent.csv', 'wine-numbered.onnx', 'wine-named.onnx', 'rent-linear.onnx', 'rent-forest.onnx', 'breaks.onnx']) await upload('evaluation', file);
  await dataset('german-credit', 'credit.csv', { labelColumn: 'bad_credit', protectedColumns: ['sex'], piiClasses: { sex: 'personal' }, lawfulBasis: 'contract' });
  await dataset('wine', 'wine.csv', { labelColumn: 'kind', protectedColumns: ['cellar'] });
  await dataset('wine-by-name', 'wine.csv', { labelColumn: 'colour_name' });
  await dataset('rent', 'rent.csv', { labelColumn: 'rent', protectedColumns: ['cellar'] });
  await model('credit', 'binary-classification', 'german-credit', ['credit-v1.onnx', 'credit-v2.onnx', 'credit-v3.onnx']);
  await model('wine', 'classification', 'wine', ['wine-numbered.onnx', 'wine-named.onnx']);
  await model('rent', 'regression', 'rent', ['rent-linear.onnx', 'rent-forest.onnx', 'breaks.onnx']);
});

afterAll(() => running?.stop());

const gate = () => ({
  name: `gate ${randomUUID()}`,
  purpose: 'What every version has to pass.',
  datasets: [{ datasetVersionId: data['german-credit'], split: 'test' }],
  metrics: ['auc'],
  thresholds: [
    { metric: 'auc', op: 'at-least', value: 0.6 },
    { metric: 'demographic_parity_ratio:sex', op: 'at-least', value: 0.99, severity: 'warning' },
    { metric: 'accuracy', op: 'at-least', value: 0.5, slice: 'young' },
  ],
  slices: [{ name: 'young', column: 'age', from: 18, below: 30 }, { name: 'radio', column: 'purpose', equals: 'radio_tv' }, { name: 'ancient', column: 'age', from: 200 }],
});
async function published(more: object = {}): Promise<string> {
  const { id } = (await call('POST', '/evaluation-suites', { ...gate(), ...more })).body;
  expect(problem(await call('POST', `/evaluation-suites/${id}/publication`))).toEqual({ status: 200, type: undefined });
  return id as string;
}

describe('Evaluation suites', () => {
  it('are drafted, published, and revised under the next number while what was published stays', async () => {
    const content = gate();
    const drafted = await call('POST', '/evaluation-suites', content, { 'idempotency-key': 'suite-1' });
    const { id } = drafted.body;
    expect(drafted).toMatchObject({ status: 201, body: { name: content.name, stage: 'draft', number: 1, published: 0, revision: 1, content: { kind: 'tabular', thresholds: [{ severity: 'error', slice: '' }, {}, {}] } } });
    expect(drafted.headers.get('location')).toBe(`${BASE}/evaluation-suites/${id}`);
    expect((await call('POST', '/evaluation-suites', content, { 'idempotency-key': 'suite-1' })).body).toEqual(drafted.body);
    expect(problem(await call('POST', '/evaluation-suites', content))).toEqual({ status: 409, type: 'evaluation-suite-name-taken' });
    expect(problem(await evaluate('credit-v1.onnx', { suiteId: id }))).toEqual({ status: 409, type: 'evaluation-suite-not-published' });

    const { name: _, ...sent } = content;
    expect(problem(await call('PUT', `/evaluation-suites/${id}`, sent, { 'if-match': '"9"' }))).toEqual({ status: 412, type: 'revision-mismatch' });
    expect((await call('PUT', `/evaluation-suites/${id}`, sent)).body).toMatchObject({ number: 1, revision: 1 });
    expect((await call('POST', `/evaluation-suites/${id}/publication`)).body).toMatchObject({ stage: 'published', number: 1, published: 1, revision: 2 });
    expect((await call('POST', `/evaluation-suites/${id}/publication`)).body).toMatchObject({ revision: 2 });
    expect((await call('PUT', `/evaluation-suites/${id}`, { ...sent, metrics: [] })).body).toMatchObject({ stage: 'draft', number: 2, published: 1 });
    expect((await call('GET', `/evaluation-suites/${id}/revisions/1`)).body).toMatchObject({ number: 1, content: { metrics: ['auc'] }, publishedBy: 'dana' });
    expect((await call('GET', `/evaluation-suites/${id}/revisions/2`)).body).toMatchObject({ content: { metrics: [] }, publishedAt: null });
    expect(problem(await evaluate('credit-v1.onnx', { suiteId: id, revision: 2 }))).toEqual({ status: 409, type: 'evaluation-suite-not-published' });
    expect((await call('GET', `/evaluation-suites/${id}`)).headers.get('etag')).toBe('"3"');
    expect((await call('GET', '/evaluation-suites?limit=200')).body.items.map((item: { id: string }) => item.id)).toContain(id);
    const history = await eventsOf(`registry.EvaluationSuite-${id}`);
    expect(history.map(({ type }) => type.split('.').at(-1))).toEqual(['EvaluationSuiteDrafted', 'EvaluationSuitePublished', 'EvaluationSuiteRevised']);
    expect(history[0]?.subjects).toEqual([`evaluation-suite:${id}`, `dataset-version:${data['german-credit']}`]);
  });

  it('are refused with faults, and not published when they could not be run', async () => {
    const wrong = await call('POST', '/evaluation-suites', { ...gate(), slices: [{ name: 's', column: 'age', where: '1=1' }], thresholds: [{ metric: 'auc', op: '>', value: 1 }] });
    expect(problem(wrong)).toEqual({ status: 400, type: 'invalid-request' });
    const { id } = (await call('POST', '/evaluation-suites', { ...gate(), slices: [{ name: 'young', column: 'sex', below: 3 }], metrics: ['vibes'] })).body;
    const refused = await call('POST', `/evaluation-suites/${id}/publication`);
    expect(problem(refused)).toEqual({ status: 422, type: 'evaluation-suite-unfit' });
    expect(refused.body.detail).toMatch(/young is a band of sex.*vibes is not measured on german-credit version 1/);
    for (const path of [`/evaluation-suites/${randomUUID()}`, `/evaluation-suites/${id}/revisions/7`]) expect(problem(await call('GET', path))).toEqual({ status: 404, type: 'evaluation-suite-not-found' });
    expect(problem(await call('POST', `/evaluation-suites/${randomUUID()}/publication`))).toEqual({ status: 404, type: 'evaluation-suite-not-found' });
  });
});

describe('A run by a suite', () => {
  it('measures slices and judges thresholds, with the value that it saw', async () => {
    const suiteId = await published();
    const { status, body } = await evaluate('credit-v2.onnx', { suiteId });
    expect(status).toBe(201);
    expect(body).toMatchObject({ task: 'binary-classification', suite: { suiteId, number: 1, verdict: 'passed', missingMetrics: [] } });
    expect(body.suite.thresholds.map(({ outcome, measured }: { outcome: string; measured: { name: string; value: number } }) => [outcome, measured.name])).toEqual([['passed', 'auc'], ['failed', 'demographic_parity_ratio:sex'], ['passed', 'accuracy']]);
    expect(body.suite.thresholds[0].measured).toEqual(body.metrics.find(({ name }: { name: string }) => name === 'auc'));
    expect(body.suite.thresholds[2].measured).toEqual(body.slices[0].metrics[0]);

    // The slices against the file itself.
    const [header = '', ...lines] = (await readFile(new URL('german-credit/credit.csv', FIXTURES), 'utf8')).trim().split('\n');
    const at = (name: string) => header.split(',').indexOf(name);
    const rows = lines.map((line) => line.split(',')).filter((row) => row[at('split')] === 'test');
    const young = rows.filter((row) => Number(row[at('age')]) >= 18 && Number(row[at('age')]) < 30).length;
    const radio = rows.filter((row) => row[at('purpose')] === 'radio_tv').length;
    expect(young).toBeGreaterThan(20);
    expect(body.slices.map(({ slice, rowCount, metrics }: { slice: string; rowCount: number; metrics: object[] }) => [slice, rowCount, metrics.length > 0])).toEqual([['young', young, true], ['radio', radio, radio >= 20], ['ancient', 0, false]]);
    const [event] = await eventsOf(body.stream);
    expect(event?.subjects).toContain(`evaluation-suite:${suiteId}`);
    expect((await call('GET', `/evaluations/${body.id}`)).body).toMatchObject({ source: 'measured', suite: body.suite, slices: body.slices, invalidatedAt: null });
  });

  it('fails on a threshold that is not met, and is inconclusive when one could not be measured', async () => {
    const failing = await published({ thresholds: [{ metric: 'auc', op: 'at-least', value: 0.999 }, { metric: 'accuracy', op: 'at-least', value: 0.1, slice: 'ancient' }] });
    expect((await evaluate('credit-v2.onnx', { suiteId: failing })).body.suite).toMatchObject({ verdict: 'failed', thresholds: [{ outcome: 'failed' }, { outcome: 'not-measured' }] });
    const unknown = await published({ thresholds: [{ metric: 'accuracy', op: 'at-least', value: 0.1, slice: 'ancient' }] });
    expect((await evaluate('credit-v2.onnx', { suiteId: unknown })).body.suite).toMatchObject({ verdict: 'inconclusive' });
  });

  it('says which rows are meant when the suite has several, and refuses others', async () => {
    const suiteId = await published({ datasets: [{ datasetVersionId: data['german-credit'], split: 'test' }, { datasetVersionId: data['german-credit'], split: 'train' }] });
    expect(problem(await evaluate('credit-v2.onnx', { suiteId }))).toEqual({ status: 422, type: 'suite-dataset-unclear' });
    expect(problem(await evaluate('credit-v2.onnx', { suiteId, datasetVersionId: data['wine'] }))).toEqual({ status: 422, type: 'suite-dataset-unclear' });
    expect((await evaluate('credit-v2.onnx', { suiteId, split: 'train', compareWith: versions['credit-v1.onnx'] })).body).toMatchObject({ suite: { suiteId }, comparison: { version: 1 } });
    expect(problem(await evaluate('credit-v2.onnx', {}))).toEqual({ status: 400, type: 'invalid-request' });
    expect(problem(await evaluate('credit-v2.onnx', { datasetVersionId: data['german-credit'], revision: 1 }))).toEqual({ status: 400, type: 'invalid-request' });
    expect(problem(await evaluate('credit-v2.onnx', { suiteId: randomUUID() }))).toEqual({ status: 404, type: 'evaluation-suite-not-found' });
  });
});

describe('Models of other kinds', () => {
  it.each([['wine-numbered.onnx', 'wine'], ['wine-named.onnx', 'wine-by-name']])('of several classes (%s on %s) measure what scikit-learn measures', async (file, dataset) => {
    const { status, body } = await evaluate(file, { datasetVersionId: data[dataset], split: 'test' });
    const expected = reference.wine[file];
    expect([status, body.task, body.rowCount]).toEqual([201, 'multiclass-classification', expected.rows]);
    expect(valueOf(body.metrics, 'accuracy')).toBeCloseTo(expected.accuracy, 9);
    expect(valueOf(body.metrics, 'macro_f1')).toBeCloseTo(expected.macro_f1, 9);
    expect(valueOf(body.metrics, 'log_loss')).toBeCloseTo(expected.log_loss, 5);
    for (const metric of body.metrics.slice(0, 3)) expect(metric.lower < metric.value && metric.value < metric.upper).toBe(true);
    if (dataset === 'wine') expect(body.groups.map(({ group, metrics }: { group: string; metrics: { name: string; value: number }[] }) => [group, valueOf(metrics, 'accuracy')])).toEqual(['north', 'south'].map((group) => [group, expect.closeTo(expected.cellar[group], 9)]));
  });

  it.each(['rent-linear.onnx', 'rent-forest.onnx'])('that answer numbers (%s) measure what scikit-learn measures, by slice and group too', async (file) => {
    const suiteId = await published({ datasets: [{ datasetVersionId: data['rent'], split: 'test' }], metrics: [], thresholds: [{ metric: 'rmse', op: 'at-most', value: 90, slice: 'large' }], slices: [{ name: 'large', column: 'size', from: 100 }] });
    const { status, body } = await evaluate(file, { suiteId });
    const expected = reference.rent[file];
    expect([status, body.task, body.rowCount, body.slices[0].rowCount]).toEqual([201, 'regression', expected.rows, expected.large.rows]);
    for (const name of ['mae', 'rmse', 'r2']) {
      expect(valueOf(body.metrics, name)).toBeCloseTo(expected[name], 3);
      expect(valueOf(body.slices[0].metrics, name)).toBeCloseTo(expected.large[name], 3);
    }
    expect(valueOf(body.groups[0].metrics, 'mae')).toBeCloseTo(expected.north.mae, 3);
    expect(body.suite.verdict).toBe(expected.large.rmse <= 90 ? 'passed' : 'failed');
  });

  it('that break off on a row are refused with what they said, and nothing is recorded', async () => {
    const count = async () => (await running.pool.query("select count(*)::integer as n from ledger.event where type not like 'vitae.access.%'")).rows[0].n as number;
    const before = await count();
    const answer = await evaluate('breaks.onnx', { datasetVersionId: data['rent'], split: 'test' });
    expect(problem(answer)).toEqual({ status: 422, type: 'model-failed' });
    expect(answer.body.detail).toMatch(/Gather/);
    expect(await count()).toBe(before);
  });

  it('are refused with labels that do not fit them', async () => {
    expect(problem(await evaluate('rent-linear.onnx', { datasetVersionId: data['wine'], split: 'test' }))).toEqual({ status: 422, type: 'input-unmatched' });
    const { id } = await made('/datasets/rent-by-cellar/versions', { digest: digests['rent.csv'], mediaType: 'text/csv', splitColumn: 'split', labelColumn: 'cellar', source: 'drawn', licence: 'CC0-1.0' });
    expect(problem(await evaluate('rent-linear.onnx', { datasetVersionId: id, split: 'test' }))).toEqual({ status: 422, type: 'label-unfit' });
  });
});

describe('Versions side by side', () => {
  const compare = (files: readonly string[], more: object = {}) => call('POST', '/comparisons', { modelVersionIds: files.map((file) => versions[file]), datasetVersionId: data['german-credit'], split: 'test', ...more });

  it('are held against the first on the same rows, with intervals and adjusted p values', async () => {
    const { status, headers, body } = await compare(['credit-v1.onnx', 'credit-v2.onnx', 'credit-v3.onnx']);
    expect([status, body.task, body.versions.map(({ version }: { version: number }) => version)]).toEqual([201, 'binary-classification', [1, 2, 3]]);
    expect(body.versions[0].differences).toEqual([]);
    const [first, second] = body.versions;
    for (const { metric, value, lower, upper, pValue, adjustedPValue } of second.differences) {
      expect(value).toBeCloseTo((valueOf(second.metrics, metric) ?? Number.NaN) - (valueOf(first.metrics, metric) ?? Number.NaN), 9);
      expect(lower <= value && value <= upper && pValue <= adjustedPValue && adjustedPValue <= 1).toBe(true);
    }
    expect(second.differences.map(({ metric, method }: { metric: string; method: string }) => `${metric} ${method}`)).toEqual([
      ...['accuracy mcnemar-mid-p', 'auc delong', 'f1 bootstrap', 'log_loss influence'],
      ...['demographic_parity', 'equal_opportunity', 'equalized_odds', 'predictive_parity'].map((measure) => `${measure}_difference:sex bootstrap`),
    ]);
    const { id } = body;
    expect((await call('GET', headers.get('location')?.replace(BASE, '') ?? '')).body).toMatchObject({ id, versions: body.versions, resamples: 2_000, datasetDigest: digests['credit.csv'], split: 'test' });
    expect((await call('GET', `/models/${models['credit']}/comparisons`)).body.items.map((item: { id: string }) => item.id)).toEqual([id]);
    expect((await eventsOf(body.stream))[0]?.subjects.sort()).toEqual(
      [`model:${models['credit']}`, ...['credit-v1.onnx', 'credit-v2.onnx', 'credit-v3.onnx'].map((file) => `model-version:${versions[file]}`), `dataset-version:${data['german-credit']}`, 'use-case:01890000-0000-7000-8000-000000000001', `version-comparison:${id}`].sort(),
    );
  });

  it('come out the same each time', async () => {
    const [one, again] = [await compare(['credit-v3.onnx', 'credit-v1.onnx']), await compare(['credit-v3.onnx', 'credit-v1.onnx'])];
    expect(again.body.versions).toEqual(one.body.versions);
    const key = { 'idempotency-key': 'compare-1' };
    const order = { modelVersionIds: [versions['credit-v1.onnx'], versions['credit-v2.onnx']], datasetVersionId: data['german-credit'] };
    expect((await call('POST', '/comparisons', order, key)).body).toEqual((await call('POST', '/comparisons', order, key)).body);
  });

  it('that answer numbers are compared by their errors, as numpy has it', async () => {
    const { body } = await compare(['rent-linear.onnx', 'rent-forest.onnx'], { datasetVersionId: data['rent'] });
    const { value, se } = reference.rent.forest_minus_linear_mae;
    const [mae] = body.versions[1].differences;
    expect(mae).toMatchObject({ metric: 'mae', method: 'influence', value: expect.closeTo(value, 3), lower: expect.closeTo(value - 1.959964 * se, 2), upper: expect.closeTo(value + 1.959964 * se, 2) });
  });

  it('of an evaluation with compareWith have significance, too', async () => {
    const { body } = await evaluate('credit-v2.onnx', { datasetVersionId: data['german-credit'], split: 'test', compareWith: versions['credit-v1.onnx'] });
    const compared = (await compare(['credit-v1.onnx', 'credit-v2.onnx'])).body;
    expect(body.comparison.paired).toEqual(compared.versions[1].differences);
  });

  it('are refused when they cannot be compared', async () => {
    expect(problem(await compare(['credit-v1.onnx']))).toEqual({ status: 400, type: 'invalid-request' });
    expect(problem(await compare(['credit-v1.onnx', 'credit-v1.onnx']))).toEqual({ status: 422, type: 'comparison-unfit' });
    expect(problem(await compare(['rent-linear.onnx', 'breaks.onnx'], { datasetVersionId: data['rent'] }))).toEqual({ status: 422, type: 'model-failed' });
    expect(problem(await compare(['credit-v1.onnx', 'rent-linear.onnx']))).toEqual({ status: 422, type: 'comparison-unfit' });
    expect(problem(await compare(['credit-v1.onnx', 'credit-v2.onnx'], { modelVersionIds: [versions['credit-v1.onnx'], randomUUID()] }))).toEqual({ status: 404, type: 'model-version-not-found' });
    expect(problem(await compare(['credit-v1.onnx', 'credit-v2.onnx'], { datasetVersionId: randomUUID() }))).toEqual({ status: 404, type: 'dataset-version-not-found' });
    expect(problem(await call('GET', `/comparisons/${randomUUID()}`))).toEqual({ status: 404, type: 'comparison-not-found' });
    expect(problem(await call('GET', `/models/${randomUUID()}/comparisons`))).toEqual({ status: 404, type: 'model-not-found' });
  });
});

describe('What others measured', () => {
  const judge = { model: 'judge-1', rubric: 'Does the answer help?', scale: { from: 1, to: 5 } };
  const said = {
    executedBy: 'red team',
    tool: { name: 'harness', version: '2.1', url: 'https://example.org/harness' },
    executedAt: '2026-11-01T10:00:00Z',
    dataset: { uri: 's3://bucket/answers.jsonl', digest: `sha256:${'e'.repeat(64)}` },
    rowCount: 50,
    metrics: [{ name: 'exact_match', value: 0.5, lower: 0.4, upper: 0.6 }],
    notes: 'On a Sunday.',
  };
  const report = (body: object, version = 'credit-v3.onnx', headers: Record<string, string> = {}) => call('POST', `/model-versions/${versions[version]}/reported-evaluations`, body, headers);

  it('stays apart from what was measured here: another event, another source, in no card and no export', async () => {
    const { status, headers, body } = await report(said, 'credit-v3.onnx', { 'idempotency-key': 'report-1' });
    expect([status, body.source, body.suite]).toEqual([201, 'reported', undefined]);
    expect((await report(said, 'credit-v3.onnx', { 'idempotency-key': 'report-1' })).body).toEqual(body);
    expect((await eventsOf(body.stream)).map(({ type }) => type)).toEqual(['vitae.registry.v1.EvaluationReported']);
    expect((await call('GET', headers.get('location')?.replace(BASE, '') ?? '')).body).toMatchObject({
      ...{ source: 'reported', datasetVersionId: null, rowCount: 50, metrics: said.metrics, recordedBy: 'dana' },
      report: { executedBy: 'red team', tool: said.tool, executedAt: said.executedAt, externalDataset: { ...said.dataset, name: '' }, rubricScores: [], judge: null, notes: 'On a Sunday.' },
    });
    expect((await call('GET', `/model-versions/${versions['credit-v3.onnx']}/evaluations`)).body.items.map(({ source }: { source: string }) => source)).toEqual(['reported']);
    expect(JSON.stringify((await call('GET', `/model-versions/${versions['credit-v3.onnx']}/bom?format=cyclonedx`)).body)).not.toContain('exact_match');
  });

  it('may be scores of a judge, by a suite that names judge and rubric', async () => {
    const thresholds = [{ metric: 'helpful', op: 'at-least', value: 4 }, { metric: 'exact_match', op: 'at-least', value: 0.9, severity: 'warning' }];
    const suiteId = await published({ kind: 'llm', datasets: [], metrics: [], slices: [], thresholds, judge });
    const scores = { ...said, rubricScores: [{ criterion: 'helpful', n: 50, mean: 4.2, standardDeviation: 0.9 }], suiteId };
    const { status, body } = await report(scores);
    expect([status, body.suite.verdict]).toEqual([201, 'passed']);
    expect(body.suite.thresholds).toMatchObject([{ outcome: 'passed', close: true, measured: { name: 'helpful', value: 4.2 } }, { outcome: 'failed', close: false }]);
    expect((await call('GET', `/evaluations/${body.id}`)).body.report).toMatchObject({ judge, rubricScores: scores.rubricScores });
    expect(problem(await evaluate('credit-v3.onnx', { suiteId }))).toEqual({ status: 422, type: 'evaluation-suite-kind' });
  });

  it('may be of a version that is known by a reference only, which Vitae cannot run', async () => {
    const mlflow = async (path: string, body: object) => {
      const response = await fetch(`${running.service.url}/t/credit/api/2.0/mlflow/${path}`, { method: 'POST', headers: { authorization: as('human/dana'), 'content-type': 'application/json' }, body: JSON.stringify(body) });
      return { status: response.status, body: (await response.json()) as Answer['body'] };
    };
    await mlflow('registered-models/create', { name: 'chat' });
    expect((await mlflow('model-versions/create', { name: 'chat', source: 's3://bucket/chat' })).status).toBe(200);
    const [version] = (await call('GET', "/model-versions?filter=name%20%3D%20'chat'")).body.items;
    versions['chat'] = version.id;
    expect(problem(await evaluate('chat', { datasetVersionId: data['rent'] }))).toMatchObject({ type: 'artefact-missing' });
    const { status, body } = await report(said, 'chat');
    expect(status).toBe(201);
    expect((await call('GET', `/evaluations/${body.id}`)).body).toMatchObject({ source: 'reported', modelVersionId: version.id, artefactDigest: '' });
  });

  it('is refused with faults, on unknown data, or by a suite on other rows than its own', async () => {
    const faulty = await report({ ...said, metrics: [{ name: 'a', value: 2, lower: 3, upper: 4 }, { name: 'a', value: 2, lower: 1 }], executedAt: 'yesterday', rowCount: 0 });
    expect(problem(faulty)).toEqual({ status: 400, type: 'invalid-request' });
    expect(problem(await report({ ...said, metrics: [] }))).toEqual({ status: 400, type: 'invalid-request' });
    expect(problem(await report({ ...said, dataset: { uri: 'https://example.org/x' } }))).toEqual({ status: 400, type: 'invalid-request' });
    expect(problem(await report({ ...said, dataset: { datasetVersionId: randomUUID() } }))).toEqual({ status: 404, type: 'dataset-version-not-found' });
    expect(problem(await report({ ...said, rubricScores: [{ criterion: 'helpful', n: 5, mean: 4, standardDeviation: 1 }] }))).toEqual({ status: 422, type: 'judge-missing' });
    expect(problem(await call('POST', `/model-versions/${randomUUID()}/reported-evaluations`, said))).toEqual({ status: 404, type: 'model-version-not-found' });
    const suiteId = await published();
    expect(problem(await report({ ...said, suiteId }))).toEqual({ status: 422, type: 'suite-dataset-unclear' });
    expect((await report({ ...said, suiteId, dataset: { datasetVersionId: data['german-credit'] }, split: 'test', metrics: [{ name: 'auc', value: 0.99 }] })).body.suite.verdict).toBe('inconclusive');
  });
});

describe('An evaluation that is taken back', () => {
  it('stays in the history with who, why and when, and leaves cards and exports', async () => {
    const { body } = await evaluate('credit-v1.onnx', { datasetVersionId: data['german-credit'], split: 'test' });
    const other = (await evaluate('credit-v1.onnx', { datasetVersionId: data['german-credit'], split: 'train' })).body;
    const exported = async () => JSON.stringify((await call('GET', `/model-versions/${versions['credit-v1.onnx']}/bom?format=cyclonedx`)).body);
    expect(await exported()).toContain('german-credit version 1, test');

    const order = { cause: 'leakage', reason: 'The test rows were among the training rows.' };
    const taken = await call('POST', `/evaluations/${body.id}/invalidation`, order, { authorization: as('human/vera') });
    expect(taken).toMatchObject({ status: 200, body: { id: body.id, source: 'measured', invalidatedBy: 'vera', invalidationCause: 'leakage', invalidatedBecause: order.reason, revision: 2 } });
    expect((await call('POST', `/evaluations/${body.id}/invalidation`, { ...order, cause: 'other' })).body).toMatchObject({ revision: 2, invalidationCause: 'leakage' });
    expect((await call('GET', `/evaluations/${body.id}`)).body).toMatchObject({ metrics: body.metrics, invalidatedBy: 'vera' });
    const listed = (await call('GET', `/model-versions/${versions['credit-v1.onnx']}/evaluations?limit=200`)).body.items as { id: string; invalidatedAt: string | null }[];
    expect(listed.filter(({ invalidatedAt }) => invalidatedAt !== null).map(({ id }) => id)).toEqual([body.id]);
    expect(listed.map(({ id }) => id)).toContain(other.id);
    const counting = (await call('GET', `/model-versions/${versions['credit-v1.onnx']}/evaluations?invalidated=hide&source=measured&limit=200`)).body.items as { id: string }[];
    expect(counting.map(({ id }) => id)).toEqual(listed.map(({ id }) => id).filter((id) => id !== body.id));
    expect((await call('GET', `/model-versions/${versions['credit-v1.onnx']}/evaluations?source=reported`)).body.items).toEqual([]);
    const after = await exported();
    expect([after.includes('german-credit version 1, test'), after.includes('german-credit version 1, train')]).toEqual([false, true]);
    const history = await eventsOf(body.stream);
    expect(history.map(({ type }) => type.split('.').at(-1))).toEqual(['EvaluationRecorded', 'EvaluationInvalidated']);
    expect(history[1]?.subjects).toEqual(history[0]?.subjects);
  });

  it('is refused without a reason or a known cause, and when it is not there', async () => {
    const { id } = (await evaluate('credit-v2.onnx', { datasetVersionId: data['german-credit'], split: 'test' })).body;
    expect(problem(await call('POST', `/evaluations/${id}/invalidation`, { cause: 'leakage', reason: ' ' }))).toEqual({ status: 400, type: 'invalid-request' });
    expect(problem(await call('POST', `/evaluations/${id}/invalidation`, { cause: 'mood', reason: 'Bad day.' }))).toEqual({ status: 400, type: 'invalid-request' });
    expect(problem(await call('POST', `/evaluations/${randomUUID()}/invalidation`, { cause: 'other', reason: 'Gone.' }))).toEqual({ status: 404, type: 'evaluation-not-found' });
    expect(problem(await call('POST', `/evaluations/${id}/invalidation`, { cause: 'other', reason: 'Gone.' }, { 'if-match': '"7"' }))).toEqual({ status: 412, type: 'revision-mismatch' });
  });
});

describe('The views of evaluations', () => {
  const TABLES = ['evaluation', 'evaluation_suite', 'evaluation_suite_revision', 'version_comparison'];
  const everything = async () => Object.fromEntries(await Promise.all(TABLES.map(async (table) => [table, (await running.pool.query(`select to_jsonb(t) as row from registry.${table} t order by t::text`)).rows] as const)));

  it('are the same when they are built anew from the ledger', async () => {
    await running.relay();
    const before = await everything();
    for (const table of TABLES) expect(before[table]?.length).toBeGreaterThan(0);
    const { tables } = await rebuildViews(registry, running.database.url, { swap: true });
    expect(tables.map(({ table }) => table)).toEqual(expect.arrayContaining(TABLES));
    expect(await everything()).toEqual(before);
  });

  it('are described, with what is sent to them', async () => {
    const { paths } = (await (await fetch(`${running.service.url}/openapi.json`)).json()) as { paths: Record<string, { post?: unknown }> };
    const described = ['evaluation-suites', 'evaluation-suites/{id}/publication', 'comparisons', 'models/{modelId}/comparisons', 'model-versions/{id}/reported-evaluations', 'evaluations/{id}/invalidation'];
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(described.map((path) => `/v1/projects/{projectId}/${path}`)));
    expect(JSON.stringify(paths['/v1/projects/{projectId}/model-versions/{id}/reported-evaluations']?.post)).toContain('executedBy');
    expect(JSON.stringify(paths['/v1/projects/{projectId}/evaluation-suites']?.post)).toContain('at-least');
  });
});

import type { Person } from './api.ts';
import { dana, emil, mira } from './cast.ts';
import { upload, type DatasetVersion } from './data.ts';
import { fixture, trainingCommit } from './fixtures.ts';
import { percent, short, type Stage } from './stage.ts';

export interface ModelVersion {
  readonly id: string;
  readonly version: number;
  readonly artefactDigest: string;
}

export async function registerModel({ api }: Stage, useCaseId: string, name: string): Promise<string> {
  const model = await api.post<{ id: string }>('/registry/models', {
    as: dana,
    why: 'First model for the approved use case',
    body: { name, description: 'Probability that a small consumer loan will not be repaid', task: 'binary-classification', useCaseId },
  });
  return model.id;
}

/** Act 3: a real ONNX file becomes a version, linked to its data and its code. @param helped who had a part in it beside dana and emil. */
export async function registerVersion(stage: Stage, modelId: string, file: string, dataset: DatasetVersion, description: string, helped: readonly Person[] = []): Promise<ModelVersion> {
  const { api, say } = stage;
  const digest = await upload(stage, await fixture(file), 'application/octet-stream');
  const metrics = JSON.parse((await fixture('metrics.json')).toString('utf8')) as TrainingReport;
  const version = await api.post<ModelVersion>(`/registry/models/${modelId}/versions`, {
    as: dana,
    why: description,
    body: {
      artefact: { digest, path: 'model.onnx', format: 'onnx' },
      datasetVersionId: dataset.id,
      source: { repository: 'test/fixtures/german-credit', commit: await trainingCommit() },
      trainingMetrics: trainingMetrics(metrics, file, dataset),
      contributors: await Promise.all([dana, emil, ...helped].map(api.idOf)),
      description,
    },
  });
  say(`version ${version.version}: ${description}; ${file} is ${short(version.artefactDigest)}, trained on german-credit v${dataset.version}`);
  return version;
}

interface Evaluation {
  readonly id: string;
  readonly rowCount: number;
  readonly metrics: readonly { readonly name: string; readonly value: number }[];
  readonly groups: readonly { readonly attribute: string; readonly group: string; readonly rowCount: number; readonly metrics: readonly { readonly name: string; readonly value: number }[] }[];
  readonly suite?: { readonly name: string; readonly number: number; readonly verdict: string; readonly thresholds: readonly { readonly metric: string; readonly outcome: string }[] } | null;
  readonly comparison?: { readonly version: number; readonly differences: readonly { readonly name: string; readonly value: number }[] };
}

/** Act 4: the validator writes down once how versions are evaluated; what is published never changes. */
export async function publishSuite({ api, say }: Stage, dataset: DatasetVersion): Promise<string> {
  const suite = await api.post<{ id: string }>('/registry/evaluation-suites', {
    as: mira,
    why: 'Every version of the credit model is measured alike',
    body: {
      name: 'consumer-credit',
      purpose: 'Ranks applicants, and does so for women and men alike.',
      datasets: [{ datasetVersionId: dataset.id, split: 'test' }],
      metrics: ['accuracy', 'auc', 'equal_opportunity_difference:sex'],
      thresholds: [
        { metric: 'accuracy', op: 'at-least', value: 0.65 },
        { metric: 'auc', op: 'at-least', value: 0.6 },
        { metric: 'accuracy', op: 'at-least', value: 0.6, slice: 'women', severity: 'warning' },
      ],
      slices: [{ name: 'women', column: 'sex', equals: 'female' }],
    },
  });
  const { number } = await api.post<{ number: number }>(`/registry/evaluation-suites/${suite.id}/publication`, { as: mira, why: 'Agreed with the business' });
  say(`suite consumer-credit, revision ${number}: on the test rows of german-credit v${dataset.version}, women by themselves, too`);
  return suite.id;
}

/** Act 4: the registry runs the model on the test split and measures it, by group too. */
export async function evaluate({ api, say }: Stage, version: ModelVersion, on: DatasetVersion | { readonly suiteId: string }, compareWith?: ModelVersion): Promise<Evaluation> {
  const evaluation = await api.post<Evaluation>(`/registry/model-versions/${version.id}/evaluations`, {
    as: emil,
    why: 'Required before the gate',
    body: { ...('suiteId' in on ? on : { datasetVersionId: on.id, split: 'test' }), ...(compareWith ? { compareWith: compareWith.id } : {}) },
  });
  const value = (name: string): number => evaluation.metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
  const groups = evaluation.groups.map(({ attribute, group, rowCount, metrics }) => {
    const tpr = metrics.find(({ name }) => name === 'tpr')?.value;
    return `${attribute}=${group} ${tpr === undefined ? 'n/a' : percent(tpr)} of ${rowCount}`;
  });
  say(
    `version ${version.version} on ${evaluation.rowCount} test rows: accuracy ${percent(value('accuracy'))}, AUC ${value('auc').toFixed(4)}, ` +
      `equal opportunity difference ${value('equal_opportunity_difference:sex').toFixed(4)}; true positive rates: ${groups.join(', ')}`,
  );
  if (evaluation.suite) {
    const { name, number, verdict, thresholds } = evaluation.suite;
    if (verdict !== 'passed') throw new Error(`version ${version.version} did not pass ${name}: ${JSON.stringify(thresholds)}`);
    say(`version ${version.version} passed revision ${number} of the suite ${name}: ${thresholds.length} thresholds`);
  }
  const accuracy = evaluation.comparison?.differences.find(({ name }) => name === 'accuracy')?.value;
  if (evaluation.comparison && accuracy !== undefined) {
    say(`against version ${evaluation.comparison.version} on the same rows: accuracy ${accuracy >= 0 ? '+' : ''}${(100 * accuracy).toFixed(1)} points`);
  }
  return evaluation;
}

/** Act 4: what is known becomes a card; who built the model does not review it. */
export async function publishCard({ api, say }: Stage, version: ModelVersion): Promise<void> {
  const card = `/registry/model-versions/${version.id}/card`;
  await api.post(card, { as: emil, why: 'Drafted from what the registry knows' });
  await api.post(`${card}/submission`, { as: emil });
  await api.post(`${card}/approval`, { as: mira, why: 'Says what the model is and is not for' });
  await api.post(`${card}/publication`, { as: emil });
  say(`the card of version ${version.version} is published: drafted by ${emil.name}, reviewed by ${mira.name}`);
}

/** What train.py wrote of itself. */
interface TrainingReport {
  readonly models: Readonly<Record<string, Readonly<Record<string, { readonly accuracy: number; readonly auc: number }>>>>;
}

function trainingMetrics(report: TrainingReport, file: string, dataset: DatasetVersion): Record<string, number> {
  const model = report.models[file.replace('.onnx', '')];
  const view = model?.[`${dataset.version === 1 ? 'credit.csv' : 'recent.csv'}#train`];
  return view ? { accuracy: view.accuracy, auc: view.auc } : {};
}

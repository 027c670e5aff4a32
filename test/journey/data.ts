import { dana } from './cast.ts';
import { fixture } from './fixtures.ts';
import { short, type Stage } from './stage.ts';

export interface DatasetVersion {
  readonly id: string;
  readonly version: number;
  readonly digest: string;
  readonly rowCount: number;
  readonly columns: readonly { readonly name: string }[];
  readonly splits: readonly { readonly name: string; readonly rowCount: number }[];
}

/** Uploads bytes; the server says what their digest is. */
export async function upload({ api }: Stage, content: Uint8Array, type: string): Promise<string> {
  const { digest } = await api.post<{ digest: string }>('/registry/artefacts', { as: dana, bytes: { content, type } });
  return digest;
}

/** Act 2: what every version of the data has to be like, said before there is one. Who breaks it is put into quarantine. */
export async function stateExpectations({ api, say }: Stage): Promise<void> {
  const expectations = [
    { name: 'every loan is decided', kind: 'in-set', column: 'bad_credit', values: ['0', '1'] },
    { name: 'applicants are of age', kind: 'in-range', column: 'age', minimum: 18, maximum: 100 },
    { name: 'amounts are positive', kind: 'in-range', column: 'amount', minimum: 1 },
    { name: 'nothing is missing', kind: 'not-null', columns: ['duration_months', 'amount', 'purpose', 'sex', 'split'] },
    { name: 'enough rows to learn from', kind: 'row-count-between', minimum: 500, severity: 'warning' },
  ];
  await api.put('/registry/datasets/german-credit/expectations', { as: dana, why: 'What a credit model can rest on', body: { onFailure: 'quarantine', expectations } });
  say(`${expectations.length} expectations of german-credit; a version that breaks one is quarantined, and nothing is built on it`);
}

interface Assessment {
  readonly outcome: string;
  readonly results: readonly { readonly expectation: string; readonly met: boolean }[];
}

/** Act 2: a CSV becomes a dataset version, profiled by the registry. */
export async function registerData(stage: Stage, file: string, why: string): Promise<DatasetVersion> {
  const { api, say } = stage;
  const digest = await upload(stage, await fixture(file), 'text/csv');
  const dataset = await api.post<DatasetVersion>('/registry/datasets/german-credit/versions', {
    as: dana,
    why,
    body: {
      digest,
      mediaType: 'text/csv',
      labelColumn: 'bad_credit',
      splitColumn: 'split',
      protectedColumns: ['sex'],
      piiClasses: { age: 'personal', sex: 'personal', marital_status: 'personal', foreign_worker: 'personal', job: 'personal', employment: 'personal' },
      lawfulBasis: 'contract',
      allowedPurposes: ['credit-scoring'],
      residency: 'eu',
      retentionUntil: '2036-12-31',
      source: 'Hofmann, H. (1994). Statlog (German Credit Data). UCI Machine Learning Repository. doi 10.24432/C5NC77',
      licence: 'CC-BY-4.0',
    },
  });
  const splits = dataset.splits.map(({ name, rowCount }) => `${rowCount} ${name}`).join(', ');
  const { items } = await api.get<{ items: Assessment[] }>(`/registry/dataset-versions/${dataset.id}/assessments?limit=1`, dana);
  const [assessment] = items;
  if (!assessment || assessment.outcome === 'failed') throw new Error(`german-credit v${dataset.version} does not meet what is expected: ${JSON.stringify(assessment)}`);
  const unmet = assessment.results.filter(({ met }) => !met).map(({ expectation }) => expectation);
  const quality = `${assessment.results.length - unmet.length} of ${assessment.results.length} expectations met${unmet.length > 0 ? ` (WARNING: not "${unmet.join('", "')}")` : ''}`;
  say(`dataset german-credit v${dataset.version}: ${dataset.rowCount} rows (${splits}), ${dataset.columns.length} columns profiled, ${quality}, digest ${short(digest)}`);
  return { ...dataset, digest };
}

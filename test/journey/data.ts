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
  say(`dataset german-credit v${dataset.version}: ${dataset.rowCount} rows (${splits}), ${dataset.columns.length} columns profiled, digest ${short(digest)}`);
  return { ...dataset, digest };
}

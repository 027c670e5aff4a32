import type { CardContent } from '../model-card/card-content.ts';
import type { Issue, KnownDataset, KnownVersion } from './known-version.ts';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

export const issue: Issue = { id: '0199a000-0000-7000-8000-000000000001', at: '2026-03-03T10:20:30.456Z', origin: 'https://vitae.example.org' };

export const content: CardContent = {
  summary: 'Probability that a loan goes bad.',
  intendedUse: 'To help people who decide on consumer loans.',
  users: 'Loan officers.',
  outOfScopeUse: 'Loans of companies.',
  limitations: 'Trained on one bank only.\n\n- old data\n- few rows',
  tradeoffs: 'Simple rather than sharp.',
  ethicalConsiderations: 'A person decides.',
  fairness: 'Differences by sex are measured.',
  trainingData: 'Statlog German Credit.',
  evaluation: 'On a split that was held back.',
  notes: '',
  licence: 'Apache 2.0',
  libraryName: 'onnx',
  tags: ['credit', 'tabular'],
  languages: ['en'],
  baseModels: ['bank/base'],
  extra: [{ key: 'widget', json: '[{"text":"a"}]' }],
};

export const dataset: KnownDataset = {
  datasetVersionId: '0199a000-0000-7000-8000-00000000000d',
  datasetName: 'german credit: 1994',
  version: 3,
  digest: digest('d'),
  sizeBytes: 49_000,
  mediaType: 'text/csv',
  rowCount: 1000,
  columns: [
    { name: 'age', dataType: 'BIGINT', kind: 'numeric', piiClass: 'personal' },
    { name: 'amount in "DM"', dataType: 'DOUBLE', kind: 'numeric', piiClass: 'none' },
    { name: 'sex', dataType: 'VARCHAR', kind: 'categorical', piiClass: 'special' },
    { name: 'bad_credit', dataType: 'BIGINT', kind: 'numeric', piiClass: 'none' },
    { name: 'split', dataType: 'VARCHAR', kind: 'categorical', piiClass: 'none' },
  ],
  splits: [{ name: 'train', rowCount: 800 }, { name: 'test', rowCount: 200 }],
  splitColumn: 'split',
  labelColumn: 'bad_credit',
  piiClass: 'special',
  lawfulBasis: 'contract',
  allowedPurposes: ['credit-scoring'],
  source: 'Statlog German Credit',
  licence: 'CC BY 4.0',
  registeredAt: '2026-01-01T00:00:00.000000Z',
  registeredBy: 'dana',
};

export const known: KnownVersion = {
  projectId: 'credit',
  model: { modelId: '0199a000-0000-7000-8000-00000000000a', name: 'credit-risk', task: 'binary-classification', description: 'Credit risk', useCaseId: '0199a000-0000-7000-8000-00000000000c' },
  modelVersionId: '0199a000-0000-7000-8000-00000000000b',
  version: 7,
  description: 'logistic regression',
  artefactDigest: digest('a'),
  artefactFormat: 'onnx',
  files: [{ path: 'model.onnx', digest: digest('e'), sizeBytes: 1000 }, { path: 'a b/tokenizer "1".json', digest: digest('f'), sizeBytes: 10 }],
  inputs: [{ name: 'age', datatype: 'FP32', shape: [-1, 1] }],
  outputs: [{ name: 'probabilities', datatype: 'FP32', shape: [-1, 2] }],
  source: { repository: 'https://example.org/credit.git', commit: 'abcdef0123' },
  trainingMetrics: { auc: 0.75 },
  contributors: ['ben', 'dana'],
  signed: true,
  registeredAt: '2026-01-02T03:04:05.678901Z',
  registeredBy: 'dana',
  dataset,
  evaluations: [
    {
      evaluationId: '0199a000-0000-7000-8000-00000000000e',
      dataset,
      split: 'test',
      rowCount: 200,
      metrics: [{ name: 'auc', value: 0.71, lower: 0.64, upper: 0.78 }, { name: 'f1', value: 0.5 }],
      groups: [{ attribute: 'sex', group: 'female', rowCount: 60, metrics: [{ name: 'tpr', value: 0.4, lower: 0.2, upper: 0.6 }] }],
    },
    {
      evaluationId: '0199a000-0000-7000-8000-00000000000f',
      dataset: { datasetVersionId: '0199a000-0000-7000-8000-000000000010', datasetName: 'recent', version: 1, digest: digest('c') },
      split: '',
      rowCount: 90,
      metrics: [{ name: 'auc', value: 0.69 }],
      groups: [],
    },
  ],
  card: content,
};

/** As little as a version can have, and in the oddest words. */
export const bare: KnownVersion = {
  ...known,
  description: '',
  model: { ...known.model, description: '' },
  source: { repository: 'git@example.org:credit.git', commit: 'abcdef0123' },
  trainingMetrics: {},
  signed: false,
  dataset: { ...dataset, licence: 'ask the bank', labelColumn: '', splitColumn: '', splits: [], piiClass: 'none', allowedPurposes: [], columns: [{ name: '模型 <b>', dataType: 'HUGEINT', kind: 'categorical', piiClass: 'none' }] },
  evaluations: [],
  card: undefined,
};

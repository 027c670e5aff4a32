import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { BaselineActivatedSchema, DriftRuleSchema, eventFromJson, eventToJson, FeatureBaselineSchema, FeatureKind, type BaselineActivated } from '@vitae/contracts';
import { DEFAULT_DRIFT_RULE, fitCategorical, fitNumeric } from '@vitae/statistics';
import { specification } from '@vitae/testing';
import { baseline, type BaselineCommand } from './baseline.ts';
import { DEFAULT_RULE, referenceOf, type Features, type RuleNumbers } from './reference.ts';

const given = specification(baseline);
const ids = {
  baselineId: '01990000-0000-7000-8000-000000000001',
  endpointId: '01990000-0000-7000-8000-000000000002',
  modelId: '01990000-0000-7000-8000-000000000003',
  datasetVersionId: '01990000-0000-7000-8000-000000000004',
};
const datasetDigest = `sha256:${'a'.repeat(64)}`;
const features: Features = [
  ['amount', fitNumeric([10, 20, 20, 30, null])],
  ['housing', fitCategorical(['own', 'rent', 'own', 'free', null], 2)],
];
const activate = (rule: Partial<RuleNumbers> = {}): BaselineCommand => ({
  type: 'ActivateBaseline',
  ...ids,
  datasetDigest,
  split: 'train',
  rowCount: 5,
  features,
  rule: { ...DEFAULT_RULE, ...rule },
});
const activated = create(BaselineActivatedSchema, {
  ...ids,
  datasetDigest,
  split: 'train',
  rowCount: 5n,
  features: [
    create(FeatureBaselineSchema, { name: 'amount', kind: FeatureKind.NUMERIC, minimum: 10, edges: [10, 20, 30], counts: [1n, 2n, 1n], missingCount: 1n }),
    create(FeatureBaselineSchema, { name: 'housing', kind: FeatureKind.CATEGORICAL, categories: ['free', 'own'], counts: [1n, 2n], otherCount: 1n, missingCount: 1n }),
  ],
  rule: create(DriftRuleSchema, {
    version: 'effect-evidence-persistence/1',
    windowRows: 1000n,
    minimumRows: 240n,
    qLevel: 0.01,
    psiWarning: 0.1,
    psiCritical: 0.25,
    fireWindows: 2,
    ofWindows: 3,
    clearWindows: 3,
    clearFactor: 0.8,
    minimumCompleteness: 0.95,
  }),
});

describe('a baseline', () => {
  it('is activated with its bins and its rule', () => given([]).when(activate()).then([activated]));
  it('is activated once', () => given([activated]).when(activate()).then([]));
  it('has a rule under which windows can be judged', () => given([]).when(activate({ windowRows: 100 })).thenRefused('RULE_NEVER_JUDGES'));
  it('has a rule under which an alert can be raised', () => given([]).when(activate({ fireWindows: 4 })).thenRefused('RULE_NEVER_FIRES'));
  it('has thresholds in their order', () => given([]).when(activate({ psiCritical: 0.05 })).thenRefused('RULE_THRESHOLDS_CROSSED'));

  it('can be rebuilt from the stored event alone', () => {
    const stored = eventFromJson(activated.$typeName, eventToJson(activated)) as BaselineActivated;
    expect(referenceOf(stored)).toEqual({ features, windowRows: 1000, rule: DEFAULT_DRIFT_RULE });
  });
});

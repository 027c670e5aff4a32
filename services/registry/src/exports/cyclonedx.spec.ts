import { describe, expect, it } from '@jest/globals';
import { faults } from './cyclonedx-schema.fixture.ts';
import { cycloneDx } from './cyclonedx.ts';
import { bare, dataset, issue, known } from './known-version.fixture.ts';

interface Component {
  readonly type: string;
  readonly 'bom-ref': string;
  readonly hashes: readonly { readonly alg: string; readonly content: string }[];
  readonly components: readonly Component[];
  readonly externalReferences: readonly { readonly type: string; readonly url: string }[];
  readonly modelCard: { readonly quantitativeAnalysis: { readonly performanceMetrics: readonly unknown[] }; readonly considerations?: unknown };
}
const written = (from = known) => cycloneDx(from, '1.6', issue) as { metadata: { component: Component }; components: readonly Component[] };

describe('A version as CycloneDX', () => {
  it.each(['1.6', '1.7'] as const)('holds against the schema of %s, with much known and with little', (version) => {
    expect(faults(version, cycloneDx(known, version, issue))).toBeNull();
    expect(faults(version, cycloneDx(bare, version, issue))).toBeNull();
  });

  it('would not hold with a word that the schema has not', () => {
    expect(faults('1.6', { ...cycloneDx(known, '1.6', issue), invented: true })).toMatchObject([{ keyword: 'additionalProperties' }]);
  });

  it('is a model with its root digest, its files and the data it was trained and measured on', () => {
    const { metadata, components } = written();
    expect(metadata.component).toMatchObject({ type: 'machine-learning-model', name: 'credit-risk', version: '7', hashes: [{ alg: 'SHA-256', content: 'a'.repeat(64) }], licenses: [{ expression: 'Apache-2.0' }] });
    expect(metadata.component.components.map(({ hashes }) => hashes[0]?.content)).toEqual(['e'.repeat(64), 'f'.repeat(64)]);
    expect(components).toMatchObject([{ type: 'data', name: dataset.datasetName, version: '3', licenses: [{ expression: 'CC-BY-4.0' }], data: [{ classification: 'special', sensitiveData: ['age: personal', 'sex: special'] }] }, { name: 'recent' }]);
  });

  it('says what was measured of whom, and what was only reported', () => {
    const { performanceMetrics } = written().metadata.component.modelCard.quantitativeAnalysis;
    expect(performanceMetrics).toContainEqual({ type: 'tpr', value: '0.4', slice: 'german credit: 1994 version 3, test, sex = female', confidenceInterval: { lowerBound: '0.2', upperBound: '0.6' } });
    expect(performanceMetrics).toContainEqual({ type: 'auc', value: '0.75', slice: 'training, as reported' });
  });

  it('says nothing that nobody said', () => {
    const { component } = written(bare).metadata;
    expect(component.modelCard.considerations).toBeUndefined();
    expect(component.externalReferences.map(({ type }) => type)).toEqual(['documentation', 'quality-metrics']);
  });

  it('names each component once', () => {
    const { metadata, components } = written();
    const refs = [metadata.component, ...metadata.component.components, ...components].map((component) => component['bom-ref']);
    expect(new Set(refs).size).toBe(refs.length);
  });
});

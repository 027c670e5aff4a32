import { describe, expect, it } from '@jest/globals';
import { bare, issue, known } from './known-version.fixture.ts';
import { spdx } from './spdx.ts';

interface Element {
  readonly type: string;
  readonly spdxId: string;
  readonly [property: string]: unknown;
}
const graph = (from = known): readonly Element[] => (JSON.parse(JSON.stringify(spdx(from, issue))) as { '@graph': Element[] })['@graph'];
const one = (elements: readonly Element[], type: string): Element => {
  const [first, ...more] = elements.filter((element) => element.type === type);
  if (!first || more.length > 0) throw new Error(`${more.length + 1} elements of type ${type}`);
  return first;
};
const related = (elements: readonly Element[], type: string) => elements.find((element) => element['relationshipType'] === type);

/** The properties that the profiles demand of their packages. */
const DEMANDED = {
  ai_AIPackage: ['name', 'suppliedBy', 'software_downloadLocation', 'software_packageVersion', 'software_primaryPurpose', 'releaseTime'],
  dataset_DatasetPackage: ['name', 'builtTime', 'originatedBy', 'software_downloadLocation', 'software_primaryPurpose', 'releaseTime', 'dataset_datasetType'],
  CreationInfo: ['specVersion', 'created', 'createdBy'],
  SpdxDocument: ['rootElement', 'profileConformance'],
};

describe('A version as SPDX', () => {
  it.each([known, bare])('has all that the AI and dataset profiles demand', (from) => {
    const elements = graph(from);
    for (const [type, properties] of Object.entries(DEMANDED)) for (const property of properties) expect(one(elements, type)).toHaveProperty([property]);
  });

  it.each([known, bare])('refers to nothing that is not in it', (from) => {
    const elements = graph(from);
    const ids = elements.filter(({ type }) => type !== 'CreationInfo').map(({ spdxId }) => spdxId);
    expect(new Set(ids).size).toBe(ids.length);
    const named = elements.flatMap(({ from: start, to, createdBy, suppliedBy, originatedBy, rootElement, element }) => [start, to, createdBy, suppliedBy, originatedBy, rootElement, element].flat()).filter((id) => id !== undefined);
    expect(named.filter((id) => !ids.includes(id as string))).toEqual([]);
  });

  it('has the root digest, and says what it was trained and tested on', () => {
    const elements = graph();
    const ai = one(elements, 'ai_AIPackage');
    const data = one(elements, 'dataset_DatasetPackage');
    expect(ai).toMatchObject({ verifiedUsing: [{ algorithm: 'sha256', hashValue: 'a'.repeat(64) }], releaseTime: '2026-01-02T03:04:05Z', ai_useSensitivePersonalInformation: 'yes' });
    expect(related(elements, 'trainedOn')).toMatchObject({ from: ai.spdxId, to: [data.spdxId] });
    expect(related(elements, 'testedOn')).toMatchObject({ to: [data.spdxId, one(elements, 'software_Package').spdxId] });
    expect(data).toMatchObject({ dataset_datasetType: ['structured', 'numeric', 'categorical'], verifiedUsing: [{ hashValue: 'd'.repeat(64) }] });
  });

  it('has each metric with what it was measured on', () => {
    expect(one(graph(), 'ai_AIPackage')['ai_metric']).toContainEqual({ type: 'DictionaryEntry', key: 'tpr (german credit: 1994 version 3, test, sex = female)', value: '0.4' });
  });

  it('names a licence of the list by its id, and another by its words', () => {
    expect(graph().filter(({ type }) => type === 'simplelicensing_LicenseExpression').map((element) => element['simplelicensing_licenseExpression'])).toEqual(['Apache-2.0', 'CC-BY-4.0']);
    expect(one(graph(bare), 'simplelicensing_SimpleLicensingText')).toMatchObject({ simplelicensing_licenseText: 'ask the bank' });
  });
});

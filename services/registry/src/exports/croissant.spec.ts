import { describe, expect, it } from '@jest/globals';
import { croissant } from './croissant.ts';
import { bare, dataset, issue } from './known-version.fixture.ts';

const rows = (from = dataset) => (croissant(from, 'credit', issue) as { recordSet: readonly { '@id': string; field: readonly object[] }[] }).recordSet.find((set) => set['@id'] === 'rows')?.field;

describe('A dataset version as Croissant', () => {
  it('is its file, by digest', () => {
    expect(croissant(dataset, 'credit', issue)).toMatchObject({
      conformsTo: 'http://mlcommons.org/croissant/1.1',
      license: 'https://spdx.org/licenses/CC-BY-4.0',
      version: '3.0.0',
      distribution: [{ sha256: 'd'.repeat(64), contentUrl: `https://vitae.example.org/v1/projects/credit/artefacts/sha256%3A${'d'.repeat(64)}`, encodingFormat: 'text/csv', contentSize: '49000 B' }],
    });
  });

  it('has a field for each column, of its type', () => {
    expect(rows()).toMatchObject([{ name: 'age', dataType: 'cr:Int64' }, { name: 'amount in "DM"', dataType: 'cr:Float64' }, { name: 'sex', dataType: 'sc:Text' }, { name: 'bad_credit' }, { name: 'split' }]);
  });

  it('ties the column that splits to the splits', () => {
    expect(croissant(dataset, 'credit', issue)).toMatchObject({ recordSet: [{ '@id': 'splits', dataType: 'cr:Split', data: [{ 'splits/name': 'train' }, { 'splits/name': 'test' }] }, {}] });
    expect(rows()?.at(-1)).toMatchObject({ name: 'split', references: { field: { '@id': 'splits/name' } } });
  });

  it('says which columns are personal', () => {
    expect(croissant(dataset, 'credit', issue)).toMatchObject({ 'rai:personalSensitiveInformation': ['age: personal', 'sex: special'] });
  });

  it('has text for a type that the standard has no word for, and a licence as it was said', () => {
    expect(rows(bare.dataset)).toMatchObject([{ '@id': 'rows/%E6%A8%A1%E5%9E%8B%20%3Cb%3E', dataType: 'sc:Text' }]);
    expect(croissant(bare.dataset, 'credit', issue)).toMatchObject({ license: 'ask the bank' });
  });
});

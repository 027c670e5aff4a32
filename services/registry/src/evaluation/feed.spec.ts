import { describe, expect, it } from '@jest/globals';
import { planFeed, tensorData } from './feed.ts';
import { classesFrom, classesOf, labelOf, modelOutputs } from './model-output.ts';

const columns = [
  { name: 'amount', dataType: 'BIGINT', kind: 'numeric' },
  { name: 'rate', dataType: 'DOUBLE', kind: 'numeric' },
  { name: 'sex', dataType: 'VARCHAR', kind: 'categorical' },
] as const;

describe('Feeding a model from columns', () => {
  it('finds a column for each input by its name', () => {
    expect(planFeed([{ name: 'sex', datatype: 'BYTES', shape: [-1, 1] }, { name: 'amount', datatype: 'FP32', shape: [-1] }], columns)).toEqual({
      inputs: [{ name: 'sex', datatype: 'BYTES', cast: 'VARCHAR', rank: 2 }, { name: 'amount', datatype: 'FP32', cast: 'DOUBLE', rank: 1 }],
      singleRows: false,
    });
    expect(planFeed([{ name: 'amount', datatype: 'INT64', shape: [1, 1] }], columns).singleRows).toBe(true);
  });

  it('names every input that no column fits', () => {
    const inputs = [
      { name: 'age', datatype: 'FP32', shape: [-1, 1] },
      { name: 'sex', datatype: 'FP32', shape: [-1, 1] },
      { name: 'rate', datatype: 'INT64', shape: [-1, 1] },
      { name: 'amount', datatype: 'FP32', shape: [-1, 20] },
    ];
    expect(() => planFeed(inputs, columns)).toThrow(/age \(no column.*sex \(FP32, and the column is VARCHAR\).*rate \(INT64, and the column is DOUBLE\).*amount \(shape \[-1,20\]/);
  });

  it('keeps what is missing missing', () => {
    expect(tensorData({ name: 'rate', datatype: 'FP32' }, [0.5, null])).toEqual(Float32Array.of(0.5, Number.NaN));
    expect(tensorData({ name: 'sex', datatype: 'BYTES' }, ['male', null])).toEqual(['male', '']);
    expect(tensorData({ name: 'amount', datatype: 'INT64' }, [1n])).toEqual(BigInt64Array.of(1n));
    expect(tensorData({ name: 'flag', datatype: 'BOOL' }, [true, false])).toEqual(Uint8Array.of(1, 0));
    expect(() => tensorData({ name: 'amount', datatype: 'INT64' }, [1n, null])).toThrow(expect.objectContaining({ reason: 'INPUT_VALUE_MISSING' }));
  });
});

describe('The outputs of a model', () => {
  const label = { name: 'label', datatype: 'INT64', shape: [-1] };
  const probabilities = { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] };

  it('are found by their usual names, or by type', () => {
    expect(modelOutputs([label, probabilities])).toEqual({ label: 'label', scores: 'probabilities' });
    expect(modelOutputs([{ name: 'y', datatype: 'FP32', shape: [-1, 1] }])).toEqual({ label: undefined, scores: 'y' });
    expect(modelOutputs([{ ...label, name: 'z' }])).toEqual({ label: 'z', scores: undefined });
    expect(modelOutputs([label, { ...probabilities, shape: [-1, 3] }])).toEqual({ label: 'label', scores: 'probabilities' });
    expect(() => modelOutputs([{ ...probabilities, shape: [-1, 3, 3] }])).toThrow(expect.objectContaining({ reason: 'OUTPUT_UNSUPPORTED' }));
  });

  it('give a class', () => {
    expect(classesFrom([0.25, 0.5])).toEqual([0, 1]);
    expect(classesOf({ data: BigInt64Array.of(0n, 1n), shape: [2] })).toEqual([0, 1]);
    expect(() => classesOf({ data: ['good'], shape: [1] })).toThrow(/only 0 and 1/);
  });

  it('are measured against labels that are 0 or 1', () => {
    expect(['0', '1', '1.0', 'false', 'True'].map((text) => labelOf(text, 'bad'))).toEqual([0, 1, 1, 0, 1]);
    for (const text of ['2', '', null]) expect(() => labelOf(text, 'bad')).toThrow(expect.objectContaining({ reason: 'LABEL_NOT_BINARY' }));
  });
});

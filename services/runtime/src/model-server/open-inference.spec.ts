import { describe, expect, it } from '@jest/globals';
import { InferenceRefused, outputsFor, parseInference, responseOf, tensorsFor, type ModelMetadata } from './open-inference.ts';
import type { Tensor } from './tensor.ts';

const model: ModelMetadata = {
  inputs: [
    { name: 'age', datatype: 'FP32', shape: [-1, 1] },
    { name: 'sex', datatype: 'BYTES', shape: [-1, 1] },
  ],
  outputs: [
    { name: 'label', datatype: 'INT64', shape: [-1] },
    { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
  ],
};
const one = (datatype: string, shape: number[] = [-1]): ModelMetadata => ({ inputs: [{ name: 'x', datatype, shape }], outputs: [] });
const x = (datatype: string, data: unknown[], shape: number[] = [data.length]) => ({ inputs: [{ name: 'x', datatype, shape, data }] });
const age = { name: 'age', datatype: 'FP32', shape: [2, 1], data: [30.5, 41] as unknown[] };
const sex = { name: 'sex', datatype: 'BYTES', shape: [2, 1], data: ['male', 'female'] };
const body = (...inputs: unknown[]) => ({ inputs });

const read = (request: unknown, metadata = model): Tensor[] => tensorsFor(parseInference(JSON.stringify(request)), metadata);
function refusal(work: () => unknown): { status: number; error: string } {
  try {
    work();
  } catch (error) {
    if (error instanceof InferenceRefused) return { status: error.status, error: error.message };
    throw error;
  }
  throw new Error('it was not refused');
}

describe('tensorsFor', () => {
  it('reads one tensor for each input of the model, in the model’s order', () => {
    expect(read(body(sex, age))).toEqual([
      { name: 'age', datatype: 'FP32', shape: [2, 1], data: Float32Array.of(30.5, 41) },
      { name: 'sex', datatype: 'BYTES', shape: [2, 1], data: ['male', 'female'] },
    ]);
  });

  it('takes data nested as its shape says', () => {
    const nested = x('INT32', [[[1, 2, 3], [4, 5, 6]]], [1, 2, 3]);
    expect(read(nested, one('INT32', [1, 2, 3]))[0]?.data).toEqual(Int32Array.of(1, 2, 3, 4, 5, 6));
  });

  it('takes no rows', () => {
    expect(read(x('FP32', [], [0, 1]), one('FP32', [-1, 1]))[0]?.data).toEqual(new Float32Array());
  });

  it.each([
    ['BOOL', [true, false], Uint8Array.of(1, 0)],
    ['UINT8', [0, 255], Uint8Array.of(0, 255)],
    ['UINT16', [65_535], Uint16Array.of(65_535)],
    ['UINT32', [4_294_967_295], Uint32Array.of(4_294_967_295)],
    ['UINT64', [9_007_199_254_740_991], BigUint64Array.of(9_007_199_254_740_991n)],
    ['INT8', [-128], Int8Array.of(-128)],
    ['INT16', [-32_768], Int16Array.of(-32_768)],
    ['INT32', [-2_147_483_648], Int32Array.of(-2_147_483_648)],
    ['INT64', [-9_007_199_254_740_991], BigInt64Array.of(-9_007_199_254_740_991n)],
    ['FP64', [0.1], Float64Array.of(0.1)],
  ])('reads %s', (datatype, data, expected) => {
    expect(read(x(datatype, data), one(datatype))[0]?.data).toEqual(expected);
  });

  it.each([
    ['a lacking input', body(age), 'the request lacks the input sex'],
    ['an unknown input', body(age, sex, { ...age, name: 'height' }), 'the model has no input height; it has age, sex'],
    ['an input given twice', body(age, age, sex), 'input age is given twice'],
    ['another datatype', body({ ...age, datatype: 'FP64' }, sex), 'input age has datatype FP64; the model takes FP32'],
    ['another rank', body({ ...age, shape: [2] }, sex), 'input age has shape [2]; the model takes [-1, 1], where -1 is any length'],
    ['another fixed dimension', body({ ...age, shape: [1, 2] }, sex), 'input age has shape [1, 2]; the model takes [-1, 1], where -1 is any length'],
    ['too few values', body({ ...age, data: [1] }, sex), 'input age has 1 values; its shape [2, 1] asks for 2'],
    ['another nesting', body({ ...age, data: [[1, 2]] }, sex), 'the data of input age is not nested as its shape [2, 1] says; nest it so, or send it flat'],
    ['a ragged nesting', body({ ...age, data: [[1], 2] }, sex), 'the data of input age is not nested as its shape [2, 1] says; nest it so, or send it flat'],
    ['text for a number', body({ ...age, data: ['30', 41] }, sex), 'input age: element 0 is "30"; expected a number that fits into 32 bits'],
    ['a missing value', body({ ...age, data: [30, null] }, sex), 'input age: element 1 is null; expected a number that fits into 32 bits'],
    ['a number too large for its datatype', body({ ...age, data: [30, 1e39] }, sex), 'input age: element 1 is 1e+39; expected a number that fits into 32 bits'],
  ])('refuses %s', (_fault, request, error) => {
    expect(refusal(() => read(request))).toEqual({ status: 400, error });
  });

  it.each([
    ['INT64', 9_007_199_254_740_992],
    ['UINT8', 256],
    ['UINT8', -1],
    ['INT32', 1.5],
    ['BOOL', 1],
    ['BYTES', 7],
    ['FP64', '1'],
  ])('refuses for %s the value %j', (datatype, value) => {
    expect(refusal(() => read(x(datatype, [value]), one(datatype))).status).toBe(400);
  });

  it('refuses inputs of different lengths where the model has one number of rows', () => {
    const rowsNamed = (...rows: string[]): ModelMetadata => ({ ...model, inputs: model.inputs.map((spec, i) => ({ ...spec, rows: rows[i] ?? '' })) });
    const uneven = body({ ...age, shape: [1, 1], data: [30] }, sex);
    expect(refusal(() => read(uneven, rowsNamed('', '')))).toEqual({ status: 400, error: 'input sex has 2 rows and input age has 1; send the same number in all' });
    expect(read(uneven, rowsNamed('people', 'answers'))).toHaveLength(2);
  });

  it('refuses a model whose datatype JSON cannot carry', () => {
    expect(refusal(() => read(x('FP16', [1]), one('FP16'))).error).toBe('input x is FP16, which JSON cannot carry; the model cannot be asked over this protocol');
  });
});

describe('parseInference', () => {
  it.each([
    ['no JSON', '{"inputs":', /^the body is not JSON: /],
    ['no inputs', '{}', /: inputs: /],
    ['empty inputs', '{"inputs":[]}', /: inputs: /],
    ['an unknown field', JSON.stringify({ ...body(age, sex), model: 'x' }), /Unrecognized key: "model"/],
    ['a negative dimension', JSON.stringify(body({ ...age, shape: [-1, 1] }, sex)), /: inputs\.0\.shape\.0: /],
    ['data that is no list', JSON.stringify(body({ ...age, data: 'AAAA' }, sex)), /: inputs\.0\.data: /],
    ['a list', '[]', /expected object/],
  ])('refuses %s', (_fault, text, error) => {
    expect(refusal(() => parseInference(text))).toEqual({ status: 400, error: expect.stringMatching(error) });
  });
});

describe('outputsFor', () => {
  const request = (outputs?: { name: string }[]) => parseInference(JSON.stringify({ ...body(age, sex), ...(outputs ? { outputs } : {}) }));

  it('gives all outputs when none are named, else the named ones', () => {
    expect(outputsFor(request(), model)).toEqual(['label', 'probabilities']);
    expect(outputsFor(request([{ name: 'label' }]), model)).toEqual(['label']);
  });

  it('refuses an output that the model has not', () => {
    expect(refusal(() => outputsFor(request([{ name: 'score' }]), model))).toEqual({ status: 400, error: 'the model has no output score; it has label, probabilities' });
  });
});

describe('responseOf', () => {
  it('answers the protocol’s fields, data flat and integers as JSON numbers', () => {
    const outputs: Tensor[] = [
      { name: 'label', datatype: 'INT64', shape: [2], data: BigInt64Array.of(0n, 1n) },
      { name: 'probabilities', datatype: 'FP32', shape: [2, 2], data: Float32Array.of(0.75, 0.25, 0.5, 0.5) },
      { name: 'sure', datatype: 'BOOL', shape: [2], data: Uint8Array.of(1, 0) },
      { name: 'grade', datatype: 'BYTES', shape: [2], data: ['A', 'B'] },
    ];
    expect(responseOf({ name: 'credit', version: 2 }, 'r-1', outputs)).toEqual({
      model_name: 'credit',
      model_version: '2',
      id: 'r-1',
      outputs: [
        { name: 'label', shape: [2], datatype: 'INT64', data: [0, 1] },
        { name: 'probabilities', shape: [2, 2], datatype: 'FP32', data: [0.75, 0.25, 0.5, 0.5] },
        { name: 'sure', shape: [2], datatype: 'BOOL', data: [true, false] },
        { name: 'grade', shape: [2], datatype: 'BYTES', data: ['A', 'B'] },
      ],
    });
  });

  it.each([
    ['NaN', { datatype: 'FP32', data: Float32Array.of(Number.NaN) }],
    ['9007199254740993', { datatype: 'INT64', data: BigInt64Array.of(9_007_199_254_740_993n) }],
  ])('refuses to pass %s off as a number', (value, tensor) => {
    const output: Tensor = { name: 'score', shape: [1], ...tensor };
    expect(refusal(() => responseOf({ name: 'credit', version: 2 }, 'r-1', [output]))).toEqual({
      status: 422,
      error: `output score: element 0 is ${value}, which JSON cannot carry; look at the values that were sent`,
    });
  });
});

import { describe, expect, it } from '@jest/globals';
import { readRequest, readResponse } from './oip-rows.ts';

const text = (value: unknown): string => JSON.stringify(value);

describe('rows of an Open Inference Protocol request', () => {
  it('are the first dimension of its inputs, one column each', () => {
    const body = {
      id: 'r-1',
      inputs: [
        { name: 'age', shape: [2, 1], datatype: 'FP32', data: [31, 40.5] },
        { name: 'housing', shape: [2, 1], datatype: 'BYTES', data: ['own', 'rent'] },
      ],
    };
    expect(readRequest(text(body))).toEqual({ id: 'r-1', rows: 2, columns: [['age', [31, 40.5]], ['housing', ['own', 'rent']]] });
  });

  it('may be nested as well as flat, of rank one, and without an id', () => {
    const body = { inputs: [{ name: 'age', shape: [2, 1], data: [[31], [40]] }, { name: 'paid', shape: [2], data: [true, false] }] };
    expect(readRequest(text(body))).toEqual({ rows: 2, columns: [['age', [31, 40]], ['paid', [true, false]]] });
  });

  it('leave out inputs that are wider than a column', () => {
    const body = { inputs: [{ name: 'embedding', shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }, { name: 'age', shape: [2, 1], data: [1, 2] }] };
    expect(readRequest(text(body))?.columns).toEqual([['age', [1, 2]]]);
  });

  it.each([
    ['no JSON', 'a,b\n1,2'],
    ['a list', '[1]'],
    ['no inputs', '{}'],
    ['empty inputs', text({ inputs: [] })],
    ['data that does not fill its shape', text({ inputs: [{ name: 'a', shape: [3, 1], data: [1, 2] }] })],
    ['inputs that disagree on the rows', text({ inputs: [{ name: 'a', shape: [2, 1], data: [1, 2] }, { name: 'b', shape: [1, 1], data: [1] }] })],
    ['a negative shape', text({ inputs: [{ name: 'a', shape: [-1, 1], data: [1] }] })],
    ['no rows', text({ inputs: [{ name: 'a', shape: [0, 1], data: [] }] })],
    ['binary data elsewhere', text({ inputs: [{ name: 'a', shape: [1, 1], parameters: { binary_data_size: 4 } }] })],
  ])('are unreadable in %s, and nothing throws', (_, body) => expect(readRequest(body)).toBeUndefined());
});

describe('predictions of a response', () => {
  it('are its output label', () => {
    const body = { id: 'r-1', outputs: [{ name: 'label', shape: [2], data: [0, 1] }, { name: 'probabilities', shape: [2, 2], data: [0.9, 0.1, 0.2, 0.8] }] };
    expect(readResponse(text(body))).toEqual({ id: 'r-1', rows: 2, predictions: [0, 1] });
  });
  it('are absent from a model without that output', () => {
    expect(readResponse(text({ outputs: [{ name: 'score', shape: [1], data: [0.5] }] }))).toEqual({ rows: 1 });
  });
  it('are unreadable in an error', () => expect(readResponse('{"error":"model not ready"}')).toBeUndefined());
});

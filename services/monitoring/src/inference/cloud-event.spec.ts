import { describe, expect, it } from '@jest/globals';
import { readAttributes, readMessage } from './cloud-event.ts';

const annotations = {
  'vitae.dev/endpoint-id': '01990000-0000-7000-8000-000000000002',
  'vitae.dev/variant-id': '01990000-0000-7000-8000-00000000000a',
  'vitae.dev/model-version-id': '01990000-0000-7000-8000-00000000000b',
};
const event: Record<string, string> = {
  specversion: '1.0',
  id: '7c5a',
  type: 'org.kubeflow.serving.inference.request',
  time: '2026-03-01T10:00:00.5Z',
  namespace: 'credit',
  annotations: JSON.stringify(annotations),
  metadata: '{"X-Request-Id":["r-1"]}',
};
const reader = (changes: Record<string, string | undefined> = {}) => (name: string): string | undefined => ({ ...event, ...changes })[name];

describe('a logged inference', () => {
  it('says which half of which inference it is, of which variant', () => {
    expect(readAttributes(reader())).toEqual({
      half: 'request',
      ceId: '7c5a',
      ceType: 'org.kubeflow.serving.inference.request',
      projectId: 'credit',
      endpointId: annotations['vitae.dev/endpoint-id'],
      variantId: annotations['vitae.dev/variant-id'],
      modelVersionId: annotations['vitae.dev/model-version-id'],
      at: '2026-03-01T10:00:00.5Z',
      headerId: 'r-1',
    });
  });

  it('needs neither a time nor metadata, and may carry more annotations than these', () => {
    const read = readAttributes(reader({ time: undefined, metadata: undefined, annotations: JSON.stringify({ ...annotations, team: 'credit' }) }));
    expect(read).not.toHaveProperty('at');
    expect(read).not.toHaveProperty('headerId');
  });

  it('may name the request by an id that cannot be stored; then it has none', () => {
    expect(readAttributes(reader({ metadata: '{"X-Request-Id":["nul\\u0000"]}' }))).not.toHaveProperty('headerId');
  });

  it.each([
    [{ specversion: '0.3' }, 'ce-specversion'],
    [{ id: undefined }, 'ce-id'],
    [{ id: 'with space' }, 'ce-id'],
    [{ type: 'org.example.other' }, 'ce-type'],
    [{ time: 'yesterday' }, 'ce-time'],
    [{ namespace: 'Not.A.Project' }, 'ce-namespace'],
    [{ annotations: undefined }, 'ce-annotations'],
    [{ annotations: 'not json' }, 'ce-annotations'],
    [{ annotations: '{"vitae.dev/endpoint-id":"no-uuid"}' }, 'ce-annotations'],
    [{ metadata: '[]' }, 'ce-metadata'],
  ])('with %j is told what is wrong', (changes, attribute) => {
    expect(readAttributes(reader(changes))).toContainEqual({ attribute, detail: expect.stringMatching(/\S/) });
  });

  it('is read back from the stream with its body', () => {
    const body = JSON.stringify({ inputs: [{ name: 'age', shape: [1, 1], data: [30] }] });
    expect(readMessage(7, 1_000, reader(), body)).toMatchObject({
      sequence: 7,
      receivedAt: 1_000,
      at: '2026-03-01T10:00:00.500Z',
      content: { half: 'request', rows: { rows: 1, columns: [['age', [30]]] } },
    });
    expect(readMessage(7, 1_000, reader({ time: undefined }), 'not json')).toMatchObject({ at: '1970-01-01T00:00:01.000Z', content: { half: 'request', rows: undefined } });
    expect(readMessage(7, 1_000, () => undefined, body)).toBeUndefined();
  });
});

import { describe, expect, it } from '@jest/globals';
import { cloudEventHeaders, usableId, type LoggedInference } from './cloud-event.ts';

const inference: LoggedInference = {
  ceId: 'ce-1',
  requestId: 'r-1',
  endpointName: 'credit',
  endpointId: 'e-1',
  projectId: 'bank',
  variantId: 'v-1',
  modelVersionId: 'm-1',
  contentType: 'application/json',
  source: 'http://localhost:7406/',
  requestedAt: '2026-03-01T10:00:00.000Z',
  respondedAt: '2026-03-01T10:00:00.004Z',
};

describe('cloudEventHeaders', () => {
  it('writes a request as KServe’s logger does', () => {
    expect(cloudEventHeaders('request', inference, '2026-03-01T10:00:00.010Z')).toEqual({
      'Content-Type': 'application/json',
      'Ce-Specversion': '1.0',
      'Ce-Id': 'ce-1',
      'Ce-Type': 'org.kubeflow.serving.inference.request',
      'Ce-Source': 'http://localhost:7406/',
      'Ce-Time': '2026-03-01T10:00:00.000Z',
      'Ce-Recordedtime': '2026-03-01T10:00:00.010Z',
      'Ce-Inferenceservicename': 'credit',
      'Ce-Namespace': 'bank',
      'Ce-Endpoint': 'e-1',
      'Ce-Component': 'predictor',
      'Ce-Metadata': '{"X-Request-Id":["r-1"]}',
      'Ce-Annotations': '{"vitae.dev/variant-id":"v-1","vitae.dev/model-version-id":"m-1","vitae.dev/endpoint-id":"e-1"}',
    });
  });

  it('gives the response the same id, its own type and time, and the status', () => {
    const response = cloudEventHeaders('response', inference, '2026-03-01T10:00:00.010Z');
    expect(response).toMatchObject({
      'Ce-Id': 'ce-1',
      'Ce-Type': 'org.kubeflow.serving.inference.response',
      'Ce-Time': '2026-03-01T10:00:00.004Z',
      'Ce-Statuscode': '200',
    });
  });

  it('stays ASCII whatever the request id is', () => {
    const metadata = cloudEventHeaders('request', { ...inference, requestId: 'Zürich "1" 🚉' }, '')['Ce-Metadata'] ?? '';
    expect(metadata).toMatch(/^[\x20-\x7e]*$/);
    expect(JSON.parse(metadata)).toEqual({ 'X-Request-Id': ['Zürich "1" 🚉'] });
  });
});

describe('usableId', () => {
  it('takes visible ASCII and nothing else', () => {
    expect(usableId('r-1')).toBe('r-1');
    expect(['', 'a b', 'ü', 'x'.repeat(201), undefined].map(usableId)).toEqual([undefined, undefined, undefined, undefined, undefined]);
  });
});

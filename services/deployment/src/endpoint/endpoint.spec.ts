import { create } from '@bufbuild/protobuf';
import { describe, it } from '@jest/globals';
import {
  DeploymentRefusedSchema,
  EndpointCreatedSchema,
  TrafficShiftedSchema,
  VariantDeployedSchema,
  VariantFailedSchema,
  VariantReadySchema,
  VariantRemovedSchema,
} from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { endpoint, type EndpointCommand, type Variant } from './endpoint.ts';

const id = (n: number): string => `01990000-0000-7000-8000-0000000000${String(n).padStart(2, '0')}`;
const [endpointId, modelId, environmentId, permitId, decisionId] = [id(1), id(2), id(3), id(4), id(5)];
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const variant = (n: number): Variant => ({
  variantId: id(10 + n),
  modelVersionId: id(20 + n),
  modelId,
  version: n,
  artefactDigest: digest('a'),
  files: [{ path: 'model.onnx', digest: digest('b') }],
});
const v1 = id(11);
const v2 = id(12);

const created = create(EndpointCreatedSchema, { endpointId, name: 'credit', environmentId, environment: 'production', modelId });
const deployed = (n: number, permit: { permitId: string; decisionId: string } = { permitId, decisionId }) =>
  create(VariantDeployedSchema, { endpointId, variant: { ...variant(n), files: [{ path: 'model.onnx', digest: digest('b') }] }, ...permit });
const ready = (variantId: string) => create(VariantReadySchema, { endpointId, variantId });
const failed = (variantId: string, reason = 'not ONNX') => create(VariantFailedSchema, { endpointId, variantId, reason });
const removed = (n: number) => create(VariantRemovedSchema, { endpointId, variantId: id(10 + n), modelVersionId: id(20 + n) });
const shifted = (weights: [number, number][], rolloutId = '') =>
  create(TrafficShiftedSchema, {
    endpointId,
    endpointName: 'credit',
    environment: 'production',
    weights: weights.map(([n, weight]) => ({ variantId: id(10 + n), modelVersionId: id(20 + n), version: n, weight })),
    rolloutId,
  });

const given = specification(endpoint);
const deploy = (n: number, over: object = {}): EndpointCommand => ({
  type: 'DeployVariant',
  variant: variant(n),
  retired: false,
  gone: undefined,
  environmentClass: 'production',
  permit: { permitId, decisionId },
  ...over,
});
const traffic = (shares: Record<string, number>, rolloutId = ''): EndpointCommand => ({
  type: 'RecordTraffic',
  shares: Object.entries(shares).map(([variantId, weight]) => ({ variantId, weight })),
  rolloutId,
});

describe('an endpoint', () => {
  const create_: EndpointCommand = { type: 'CreateEndpoint', endpointId, name: 'credit', environmentId, environment: 'production', modelId };
  it('is created', () => given([]).when(create_).then([created]));
  it('is created once', () => given([created]).when(create_).then([]));
  it('must be there for anything else', () => given([]).when(deploy(1)).thenRefused('ENDPOINT_NOT_FOUND'));
});

describe('deploying a variant', () => {
  it('accepts it, without traffic, on its permit', () => given([created]).when(deploy(1)).then([deployed(1)]));
  it('needs a permit in production', () => given([created]).when(deploy(1, { permit: undefined })).thenRefused('PERMIT_MISSING'));
  it('needs none elsewhere', () =>
    given([created])
      .when(deploy(1, { permit: undefined, environmentClass: 'staging' }))
      .then([deployed(1, { permitId: '', decisionId: '' })]));
  it('takes no version of another model', () => given([created]).when(deploy(1, { variant: { ...variant(1), modelId: id(9) } })).thenRefused('MODEL_MISMATCH'));
  it('takes no retired version', () => given([created]).when(deploy(1, { retired: true })).thenRefused('MODEL_VERSION_RETIRED'));
  it('takes no version that is deleted, by itself or with its model, or purged', () => {
    given([created]).when(deploy(1, { gone: { is: 'deleted', version: 1 } })).thenRefused('MODEL_VERSION_DELETED');
    given([created]).when(deploy(1, { gone: { is: 'deleted', version: 1, withModel: 'credit' } })).thenRefused('MODEL_VERSION_DELETED');
    given([created]).when(deploy(1, { gone: { is: 'purged', version: 1 }, retired: true })).thenRefused('MODEL_VERSION_PURGED');
  });
  it('takes no version twice', () => given([created, deployed(1)]).when(deploy(1)).thenRefused('VARIANT_DEPLOYED'));
  it('takes a version again that failed, or was removed', () => {
    const again = { variant: { ...variant(1), variantId: v2 } };
    const event = create(VariantDeployedSchema, { endpointId, variant: { ...variant(1), variantId: v2, files: [{ path: 'model.onnx', digest: digest('b') }] }, permitId, decisionId });
    given([created, deployed(1), failed(v1)]).when(deploy(1, again)).then([event]);
    given([created, deployed(1), removed(1)]).when(deploy(1, again)).then([event]);
  });
});

describe('what the driver saw', () => {
  const history = [created, deployed(1)];
  it('makes a variant ready, once', () => {
    given(history).when({ type: 'RecordReady', variantId: v1 }).then([ready(v1)]);
    given([...history, ready(v1)]).when({ type: 'RecordReady', variantId: v1 }).then([]);
  });
  it('makes a variant failed, once, and ready after all', () => {
    given(history).when({ type: 'RecordFailure', variantId: v1, reason: 'not ONNX' }).then([failed(v1)]);
    given([...history, failed(v1)]).when({ type: 'RecordFailure', variantId: v1, reason: 'still not' }).then([]);
    given([...history, failed(v1)]).when({ type: 'RecordReady', variantId: v1 }).then([ready(v1)]);
  });
  it('is no event when the variant is gone', () => {
    const gone = [...history, removed(1)];
    given(gone).when({ type: 'RecordReady', variantId: v1 }).then([]);
    given(gone).when({ type: 'RecordFailure', variantId: v1, reason: 'late' }).then([]);
    given(gone).when({ type: 'RecordRemoval', variantId: v1 }).then([]);
    given(gone).when(traffic({ [v1]: 100 })).then([]);
  });
});

describe('traffic', () => {
  const history = [created, deployed(1), ready(v1), deployed(2), ready(v2)];
  it('is told when it is seen to be in force, once', () => {
    given(history).when(traffic({ [v1]: 100 })).then([shifted([[1, 100]])]);
    given([...history, shifted([[1, 100]])]).when(traffic({ [v1]: 100, [v2]: 0 })).then([]);
  });
  it('names those who lost theirs, with 0', () =>
    given([...history, shifted([[1, 100]])])
      .when(traffic({ [v2]: 100 }, id(30)))
      .then([shifted([[1, 0], [2, 100]], id(30))]));
  it('is all of it', () => given(history).when(traffic({ [v1]: 60 })).thenRefused('WEIGHTS_INVALID'));
  it('keeps a variant from being removed', () => {
    const serving = [...history, shifted([[1, 90], [2, 10]])];
    given(serving).when({ type: 'RecordRemoval', variantId: v2 }).thenRefused('VARIANT_SERVES');
    given([...serving, shifted([[1, 100], [2, 0]])]).when({ type: 'RecordRemoval', variantId: v2 }).then([removed(2)]);
  });
});

describe('a refused deployment', () => {
  it('is an event', () =>
    given([created])
      .when({ type: 'RecordRefusal', modelVersionId: id(21), permitId: '', refusal: 'permit-missing' })
      .then([create(DeploymentRefusedSchema, { endpointId, modelVersionId: id(21), permitId: '', refusal: 'permit-missing' })]));
});

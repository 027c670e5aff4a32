import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { ArtefactArchivedSchema, ModelVersionRegisteredSchema, ModelVersionRetiredSchema, ModelVersionSignatureRejectedSchema, ModelVersionSignatureVerifiedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { modelVersion, type RegisterModelVersion, type RetireModelVersion } from './model-version.ts';
import { dueRetirements } from './reactions.ts';
import { tensorOf } from './tensor-spec.ts';

const given = specification(modelVersion);
const id = (n: number): string => `01890000-0000-7000-8000-00000000000${n}`;
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

const register: RegisterModelVersion = {
  type: 'RegisterModelVersion',
  modelVersionId: id(1),
  modelId: id(2),
  modelName: 'credit-risk',
  useCaseId: id(3),
  version: 1,
  artefact: { digest: digest('a'), format: 'onnx', files: [{ path: 'model.onnx', digest: digest('b'), sizeBytes: 1531 }] },
  inputs: [{ name: 'amount', datatype: 'FP32', shape: [-1, 1] }],
  outputs: [{ name: 'label', datatype: 'INT64', shape: [-1] }],
  datasetVersionId: id(4),
  datasetDigest: digest('c'),
  source: { repository: 'https://example.org/credit.git', commit: 'abcdef0' },
  trainingMetrics: { auc: 0.76 },
  contributors: ['dana', 'ben'],
  registeredBy: 'ben',
  description: '',
};
const registered = create(ModelVersionRegisteredSchema, {
  modelVersionId: id(1),
  modelId: id(2),
  modelName: 'credit-risk',
  useCaseId: id(3),
  version: 1,
  artefact: { digest: digest('a'), format: 'onnx', files: [{ path: 'model.onnx', digest: digest('b'), sizeBytes: 1531n }] },
  inputs: [{ name: 'amount', datatype: 'FP32', shape: [-1n, 1n] }],
  outputs: [{ name: 'label', datatype: 'INT64', shape: [-1n] }],
  datasetVersionId: id(4),
  datasetDigest: digest('c'),
  source: { repository: 'https://example.org/credit.git', commit: 'abcdef0' },
  trainingMetrics: [{ name: 'auc', value: 0.76 }],
  contributors: ['dana', 'ben'],
});
const retire: RetireModelVersion = { type: 'RetireModelVersion', retirementId: id(5), archiveLocation: 'archive/sha256/bb/…' };
const archived = create(ArtefactArchivedSchema, { modelVersionId: id(1), artefactDigest: digest('a'), location: 'archive/sha256/bb/…' });
const retired = create(ModelVersionRetiredSchema, { modelVersionId: id(1), modelId: id(2), version: 1, retirementId: id(5) });

describe('A model version', () => {
  it('is registered with its artefact, data and code', () => given([]).when(register).then([registered]));
  it('counts whoever registers it among its contributors', () =>
    given([]).when({ ...register, contributors: [], registeredBy: 'cleo' }).then([{ ...registered, contributors: ['cleo'] }]));
  it('stays as it is when it is registered again', () => given([registered]).when(register).then([]));
  it('is registered with the signature that was found to hold', () => {
    const signature = { bundleDigest: digest('d'), bundlePath: '', method: 'key', keyId: 'e'.repeat(64), signer: 'release team', subjectDigest: digest('a') };
    given([]).when({ ...register, signature }).then([registered, create(ModelVersionSignatureVerifiedSchema, { ...signature, modelVersionId: id(1), modelId: id(2), version: 1, artefactDigest: digest('a') })]);
  });
  it('never is when its signature does not count, and the event says why', () => {
    const said = { modelVersionId: id(1), modelId: id(2), modelName: 'credit-risk', artefactDigest: digest('a'), bundleDigest: digest('d'), fault: 'UNTRUSTED', detail: 'nobody knows the key' };
    const rejected = create(ModelVersionSignatureRejectedSchema, said);
    given([]).when({ type: 'RejectSignature', ...said }).then([rejected]);
    given([registered]).when({ type: 'RejectSignature', ...said }).then([]);
    given([rejected]).when(retire).thenRefused('MODEL_VERSION_NOT_FOUND');
  });
  it('is retired once its artefact is in the archive', () => given([registered]).when(retire).then([archived, retired]));
  it('is retired only once', () => given([registered, archived, retired]).when(retire).then([]));
  it('is not retired before it was registered', () => given([]).when(retire).thenRefused('MODEL_VERSION_NOT_FOUND'));
});

describe('An approved retirement', () => {
  const [one, two] = [{ retirementId: id(5), modelVersionId: id(1) }, { retirementId: id(6), modelVersionId: id(2) }];
  it('is due when no endpoint sends the version requests, and waits otherwise', () => {
    expect(dueRetirements({ approved: [one, two], serving: new Set([id(2)]) })).toEqual([one]);
    expect(dueRetirements({ approved: [one, two], serving: new Set() })).toEqual([one, two]);
    expect(dueRetirements({ approved: [], serving: new Set([id(1)]) })).toEqual([]);
  });
});

describe('An ONNX value', () => {
  it('is told in the words of the Open Inference Protocol', () => {
    expect(tensorOf({ name: 'age', isTensor: true, type: 'float32', shape: ['', 1] })).toEqual({ name: 'age', datatype: 'FP32', shape: [-1, 1] });
    expect(tensorOf({ name: 'sex', isTensor: true, type: 'string', shape: ['N'] })).toEqual({ name: 'sex', datatype: 'BYTES', shape: [-1] });
  });
  it('is not, when it is a map or of a type that the protocol lacks', () => {
    expect(tensorOf({ name: 'output_probability', isTensor: false })).toBeUndefined();
    expect(tensorOf({ name: 'x', isTensor: true, type: 'uint4', shape: [1] })).toBeUndefined();
  });
});

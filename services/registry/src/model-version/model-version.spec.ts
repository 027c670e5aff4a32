import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import {
  ArtefactArchivedSchema,
  ModelVersionDeletedSchema,
  ModelVersionDeprecatedSchema,
  ModelVersionDeprecationLiftedSchema,
  ModelVersionDescribedSchema,
  ModelVersionPurgedSchema,
  ModelVersionReferencedSchema,
  ModelVersionRegisteredSchema,
  ModelVersionRestoredSchema,
  ModelVersionRetiredSchema,
  ModelVersionSignatureRejectedSchema,
  ModelVersionSignatureVerifiedSchema,
  ModelVersionStageAssignedSchema,
  ModelVersionTaggedSchema,
  ModelVersionTagRemovedSchema,
} from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { modelVersion } from './model-version.ts';
import type { ModelVersionCommand, PurgeModelVersion, ReferenceModelVersion, RegisterModelVersion, RetireModelVersion } from './model-version-command.ts';
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
  artefactSource: 'runs:/r1/model',
  runId: 'r1',
  runLink: 'https://example.org/runs/r1',
  tags: [],
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
  artefactSource: 'runs:/r1/model',
  runId: 'r1',
  runLink: 'https://example.org/runs/r1',
});
const retire: RetireModelVersion = { type: 'RetireModelVersion', retirementId: id(5), archiveLocation: 'archive/sha256/bb/…' };
const archived = create(ArtefactArchivedSchema, { modelVersionId: id(1), artefactDigest: digest('a'), location: 'archive/sha256/bb/…' });
const retired = create(ModelVersionRetiredSchema, { modelVersionId: id(1), modelId: id(2), version: 1, retirementId: id(5) });
const version = { modelVersionId: id(1), modelId: id(2), version: 1 };
const tagged = create(ModelVersionTaggedSchema, { ...version, key: 'stage', value: 'trial' });
const deprecated = create(ModelVersionDeprecatedSchema, { ...version, reason: 'drifts', successorModelVersionId: id(7) });
const lifted = create(ModelVersionDeprecationLiftedSchema, version);
const deleted = create(ModelVersionDeletedSchema, version);
const restored = create(ModelVersionRestoredSchema, version);
const purged = create(ModelVersionPurgedSchema, { ...version, artefactDigest: digest('a'), removed: [digest('b')] });
const deletion: ModelVersionCommand = { type: 'DeleteModelVersion', serving: [] };
const purge: PurgeModelVersion = { type: 'PurgeModelVersion', modelDeleted: false, serving: [], neededElsewhere: [] };
const serving = [{ endpointId: id(9), endpointName: 'scoring', environment: 'production', version: 1 }];

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

describe('A model version that was registered by reference', () => {
  const said = { modelVersionId: id(1), modelId: id(2), modelName: 'credit-risk', useCaseId: '', version: 1, source: 'models:/other/1', location: 's3://bucket/other', copiedFromModelVersionId: id(8), runId: 'r1', runLink: '', loggedModelId: 'm-1', description: '' };
  const reference: ReferenceModelVersion = { type: 'ReferenceModelVersion', ...said, registeredBy: 'ben', tags: [] };
  const referenced = create(ModelVersionReferencedSchema, { ...said, contributors: ['ben'] });
  it('says where its artefact lies, and who brought it', () => {
    given([]).when(reference).then([referenced]);
    given([]).when({ ...reference, tags: [{ key: 'stage', value: 'trial' }] }).then([referenced, tagged]);
    given([referenced]).when(reference).then([]);
  });
  it('is tagged, deprecated, deleted and restored like any other', () => {
    given([referenced, tagged]).when({ type: 'TagModelVersion', key: 'stage', value: 'trial' }).then([]);
    given([referenced, tagged, deprecated, deleted]).when({ type: 'RestoreModelVersion' }).then([restored]);
  });
  it('has no bytes that could go to the archive or be purged', () => {
    given([referenced]).when(retire).then([retired]);
    given([referenced, deleted]).when(purge).thenRefused('ARTEFACT_MISSING');
  });
});

describe('The stage of a model version', () => {
  const assigned = (stage: string, previousStage: string) => create(ModelVersionStageAssignedSchema, { ...version, stage, previousStage });
  it('goes from any to any, and says where it was', () => {
    given([registered]).when({ type: 'AssignStage', stage: 'Production' }).then([assigned('Production', 'None')]);
    given([registered, assigned('Production', 'None')]).when({ type: 'AssignStage', stage: 'Staging' }).then([assigned('Staging', 'Production')]);
    given([registered, assigned('Production', 'None'), deprecated, lifted]).when({ type: 'AssignStage', stage: 'None' }).then([assigned('None', 'Production')]);
  });
  it('stays when it is assigned again', () => given([registered]).when({ type: 'AssignStage', stage: 'None' }).then([]));
  it('is none of what was deleted', () => given([registered, deleted]).when({ type: 'AssignStage', stage: 'Staging' }).thenRefused('MODEL_VERSION_DELETED'));
});

describe('What is said of a model version later', () => {
  it('is its description', () => {
    const described = create(ModelVersionDescribedSchema, { ...version, description: 'retrained' });
    given([registered]).when({ type: 'DescribeModelVersion', description: 'retrained' }).then([described]);
    given([registered, described]).when({ type: 'DescribeModelVersion', description: 'retrained' }).then([]);
  });
  it('is its tags, from the registration on', () => {
    given([]).when({ ...register, tags: [{ key: 'stage', value: 'trial' }] }).then([registered, tagged]);
    given([registered, tagged]).when({ type: 'TagModelVersion', key: 'stage', value: 'trial' }).then([]);
    given([registered, tagged]).when({ type: 'TagModelVersion', key: 'stage', value: 'live' }).then([create(ModelVersionTaggedSchema, { ...version, key: 'stage', value: 'live' })]);
    given([registered, tagged]).when({ type: 'RemoveModelVersionTag', key: 'stage' }).then([create(ModelVersionTagRemovedSchema, { ...version, key: 'stage' })]);
    given([registered]).when({ type: 'RemoveModelVersionTag', key: 'stage' }).then([]);
  });
  it('is that it should not be used any more, and what to use instead', () => {
    const deprecate: ModelVersionCommand = { type: 'DeprecateModelVersion', reason: 'drifts', successorModelVersionId: id(7) };
    given([registered]).when(deprecate).then([deprecated]);
    given([registered, deprecated]).when({ ...deprecate, reason: 'other words' }).then([]);
    given([registered]).when({ ...deprecate, successorModelVersionId: id(1) }).thenRefused('SUCCESSOR_UNFIT');
    given([registered, archived, retired]).when(deprecate).thenRefused('MODEL_VERSION_RETIRED');
    given([registered, deprecated]).when({ type: 'LiftModelVersionDeprecation' }).then([lifted]);
    given([registered, deprecated, lifted]).when({ type: 'LiftModelVersionDeprecation' }).then([]);
  });
  it('is nothing before it was registered', () => given([]).when(deletion).thenRefused('MODEL_VERSION_NOT_FOUND'));
});

describe('A deleted model version', () => {
  it('was deleted once, and serves nobody', () => {
    given([registered]).when(deletion).then([deleted]);
    given([registered, deleted]).when(deletion).then([]);
    given([registered]).when({ ...deletion, serving }).thenRefused('MODEL_VERSION_SERVES');
  });
  it('is not changed', () => given([registered, deleted]).when({ type: 'DescribeModelVersion', description: 'x' }).thenRefused('MODEL_VERSION_DELETED'));
  it('is restored as it was', () => {
    given([registered, deprecated, tagged, deleted]).when({ type: 'RestoreModelVersion' }).then([restored]);
    given([registered, deprecated, tagged, deleted, restored]).when({ type: 'LiftModelVersionDeprecation' }).then([lifted]);
    given([registered, tagged, deleted, restored]).when({ type: 'TagModelVersion', key: 'stage', value: 'trial' }).then([]);
    given([registered, deleted, restored]).when({ type: 'RestoreModelVersion' }).then([]);
  });
  it('is retired all the same, and is so when it comes back', () => {
    given([registered, deleted]).when(retire).then([archived, retired]);
    given([registered, deleted, archived, retired]).when(retire).then([]);
    given([registered, deleted, archived, retired, restored]).when(purge).then([purged]);
  });
});

describe('A purged model version', () => {
  it('was deleted or retired before, or its model was deleted', () => {
    given([registered]).when(purge).thenRefused('PURGE_TOO_EARLY');
    given([registered, deprecated]).when(purge).thenRefused('PURGE_TOO_EARLY');
    given([registered, deleted]).when(purge).then([purged]);
    given([registered, archived, retired]).when(purge).then([purged]);
    given([registered]).when({ ...purge, modelDeleted: true }).then([purged]);
    given([registered, deleted]).when({ ...purge, serving }).thenRefused('MODEL_VERSION_SERVES');
  });
  it('leaves bytes that something else needs', () =>
    given([registered, deleted])
      .when({ ...purge, neededElsewhere: [digest('b'), digest('c')] })
      .then([create(ModelVersionPurgedSchema, { ...version, artefactDigest: digest('a'), kept: [digest('b')] })]));
  it('is purged once, and for ever', () => {
    given([registered, deleted, purged]).when(purge).then([]);
    given([registered, deleted, purged]).when({ type: 'RestoreModelVersion' }).thenRefused('MODEL_VERSION_PURGED');
    given([registered, deleted, purged]).when(deletion).then([]);
    given([registered, deleted, purged]).when(retire).thenRefused('MODEL_VERSION_PURGED');
    given([registered, archived, retired, purged]).when({ type: 'TagModelVersion', key: 'a', value: 'b' }).thenRefused('MODEL_VERSION_PURGED');
  });
  it('can still be hidden when it was retired', () => {
    given([registered, archived, retired, purged]).when(deletion).then([deleted]);
    given([registered, archived, retired, purged, deleted]).when(deletion).then([]);
    given([registered, archived, retired, purged, deleted]).when({ type: 'RestoreModelVersion' }).thenRefused('MODEL_VERSION_PURGED');
  });
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

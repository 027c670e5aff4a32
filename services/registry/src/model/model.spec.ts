import { create } from '@bufbuild/protobuf';
import { describe, it } from '@jest/globals';
import {
  ModelDeletedSchema,
  ModelDeprecatedSchema,
  ModelDeprecationLiftedSchema,
  ModelDescribedSchema,
  ModelPurposeStatedSchema,
  ModelRegisteredSchema,
  ModelRenamedSchema,
  ModelRestoredSchema,
  ModelTaggedSchema,
  ModelTagRemovedSchema,
} from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { MOST_TAGS } from '../tags.ts';
import { model, type ModelCommand, type RegisterModel } from './model.ts';

const given = specification(model);
const modelId = '01890000-0000-7000-8000-000000000001';
const successorModelId = '01890000-0000-7000-8000-000000000003';
const said = {
  modelId,
  name: 'credit-risk',
  description: 'Probability that a loan goes bad',
  task: 'binary-classification',
  useCaseId: '01890000-0000-7000-8000-000000000002',
};
const command: RegisterModel = { type: 'RegisterModel', ...said, tags: [] };
const registered = create(ModelRegisteredSchema, said);
const renamed = create(ModelRenamedSchema, { modelId, name: 'loans', previousName: 'credit-risk' });
const tagged = create(ModelTaggedSchema, { modelId, key: 'team', value: 'risk' });
const deprecated = create(ModelDeprecatedSchema, { modelId, reason: 'a better one is there', successorModelId });
const lifted = create(ModelDeprecationLiftedSchema, { modelId });
const deleted = create(ModelDeletedSchema, { modelId, name: 'credit-risk' });
const restored = create(ModelRestoredSchema, { modelId, name: 'credit-risk' });
const deletion: ModelCommand = { type: 'DeleteModel', serving: [], pinnedBy: [], by: 'dana' };
const endpoint = { endpointId: '01890000-0000-7000-8000-000000000009', endpointName: 'scoring', environment: 'production', version: 2 };

describe('A model', () => {
  it('is registered for its use case', () => given([]).when(command).then([registered]));
  it('is registered with its tags', () => given([]).when({ ...command, tags: [{ key: 'team', value: 'risk' }] }).then([registered, tagged]));
  it('stays as it is when it is registered again', () => given([registered]).when(command).then([]));
  it('is not changed before it was registered', () => given([]).when({ type: 'RenameModel', name: 'loans' }).thenRefused('MODEL_NOT_FOUND'));

  it('is renamed, and says what it was called', () => given([registered]).when({ type: 'RenameModel', name: 'loans' }).then([renamed]));
  it('keeps the name that it has', () => given([registered, renamed]).when({ type: 'RenameModel', name: 'loans' }).then([]));
  it('is described anew', () => given([registered]).when({ type: 'DescribeModel', description: 'new' }).then([create(ModelDescribedSchema, { modelId, description: 'new' })]));
  it('keeps the description that it has', () => given([registered]).when({ type: 'DescribeModel', description: said.description }).then([]));
});

describe('The purpose of a model', () => {
  const unsaid = create(ModelRegisteredSchema, { ...said, task: '', useCaseId: '' });
  const stated = create(ModelPurposeStatedSchema, { modelId, task: said.task, useCaseId: said.useCaseId });
  const state: ModelCommand = { type: 'StatePurpose', task: said.task, useCaseId: said.useCaseId };
  it('may be left open when it is registered', () => given([]).when({ ...command, task: '', useCaseId: '' }).then([unsaid]));
  it('is stated once, and never another one', () => {
    given([unsaid]).when(state).then([stated]);
    given([unsaid, stated]).when(state).then([]);
    given([registered]).when(state).then([]);
    given([unsaid, stated, deprecated, lifted]).when({ ...state, useCaseId: successorModelId }).thenRefused('PURPOSE_STATED');
    given([registered]).when({ ...state, task: 'regression' }).thenRefused('PURPOSE_STATED');
  });
});

describe('The tags of a model', () => {
  it('are set, and set to another value', () => {
    given([registered]).when({ type: 'TagModel', key: 'team', value: 'risk' }).then([tagged]);
    given([registered, tagged]).when({ type: 'TagModel', key: 'team', value: '' }).then([create(ModelTaggedSchema, { modelId, key: 'team', value: '' })]);
    given([registered, tagged]).when({ type: 'TagModel', key: 'team', value: 'risk' }).then([]);
  });
  it('are removed once', () => {
    const removed = create(ModelTagRemovedSchema, { modelId, key: 'team' });
    given([registered, tagged]).when({ type: 'RemoveModelTag', key: 'team' }).then([removed]);
    given([registered, tagged, removed]).when({ type: 'RemoveModelTag', key: 'team' }).then([]);
  });
  it('may have a name that objects have', () => {
    given([registered]).when({ type: 'RemoveModelTag', key: '__proto__' }).then([]);
    given([registered]).when({ type: 'TagModel', key: '__proto__', value: 'x' }).then([create(ModelTaggedSchema, { modelId, key: '__proto__', value: 'x' })]);
  });
  it('are only so many', () => {
    const many = Array.from({ length: MOST_TAGS }, (_, i) => create(ModelTaggedSchema, { modelId, key: `key-${i}`, value: 'x' }));
    given([registered, ...many]).when({ type: 'TagModel', key: 'one more', value: 'x' }).thenRefused('TAGS_TOO_MANY');
    given([registered, ...many]).when({ type: 'TagModel', key: 'key-7', value: 'y' }).then([create(ModelTaggedSchema, { modelId, key: 'key-7', value: 'y' })]);
  });
});

describe('The deprecation of a model', () => {
  const deprecate: ModelCommand = { type: 'DeprecateModel', reason: 'a better one is there', successorModelId };
  it('carries reason and successor', () => given([registered]).when(deprecate).then([deprecated]));
  it('is said once, and again when there is another successor', () => {
    given([registered, deprecated]).when({ ...deprecate, reason: 'other words' }).then([]);
    given([registered, deprecated]).when({ ...deprecate, successorModelId: '' }).then([create(ModelDeprecatedSchema, { modelId, reason: deprecate.reason })]);
  });
  it('does not name the model itself as its successor', () => given([registered]).when({ ...deprecate, successorModelId: modelId }).thenRefused('SUCCESSOR_UNFIT'));
  it('is lifted', () => {
    given([registered, deprecated]).when({ type: 'LiftModelDeprecation' }).then([lifted]);
    given([registered, deprecated, lifted]).when({ type: 'LiftModelDeprecation' }).then([]);
    given([registered, deprecated, lifted]).when(deprecate).then([deprecated]);
  });
});

describe('A deleted model', () => {
  it('was deleted once', () => {
    given([registered]).when(deletion).then([deleted]);
    given([registered, deleted]).when(deletion).then([]);
  });
  it('serves nobody', () => given([registered]).when({ ...deletion, serving: [endpoint] }).thenRefused('MODEL_SERVES'));
  it('is no part of an AI system', () => given([registered]).when({ ...deletion, pinnedBy: [{ aiSystemName: 'assistant', aiSystemVersion: 3, version: 1 }] }).thenRefused('MODEL_PINNED'));
  it('is not changed', () => given([registered, deleted]).when({ type: 'TagModel', key: 'team', value: 'risk' }).thenRefused('MODEL_DELETED'));
  it('is restored as it was', () => {
    given([registered, deprecated, tagged, deleted]).when({ type: 'RestoreModel' }).then([restored]);
    given([registered, deprecated, tagged, deleted, restored]).when({ type: 'TagModel', key: 'team', value: 'risk' }).then([]);
    given([registered, deprecated, deleted, restored]).when({ type: 'LiftModelDeprecation' }).then([lifted]);
    given([registered]).when({ type: 'RestoreModel' }).then([]);
  });
  it('may be deleted again after it was restored', () => given([registered, deleted, restored]).when(deletion).then([deleted]));
});

import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { LoggedModelArtifactLoggedSchema, LoggedModelArtifactRemovedSchema, LoggedModelCreatedSchema, LoggedModelDeletedSchema, LoggedModelFinalizedSchema, LoggedModelParamsLoggedSchema, LoggedModelTaggedSchema, LoggedModelTagRemovedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { MOST_TAGS } from '../tags.ts';
import { loggedModel, type CreateLoggedModel } from './logged-model.ts';

const given = specification(loggedModel);
const of = { modelId: `m-${'a'.repeat(32)}`, experimentId: '0' };
const said = { ...of, name: 'm', modelType: 'Agent', sourceRunId: 'b'.repeat(32), artifactUri: 's3://b/m', params: [{ key: 'p', value: '1' }], tags: [{ key: 't', value: '1' }] };
const command: CreateLoggedModel = { type: 'CreateLoggedModel', ...said };
const created = create(LoggedModelCreatedSchema, said);
const deleted = create(LoggedModelDeletedSchema, of);

describe('A logged model', () => {
  it('is created once, with what was said of it in as many events as that needs', () => {
    given([]).when(command).then([created]);
    given([created]).when(command).then([]);
    const params = Array.from({ length: 100 }, (_, i) => ({ key: `p${i}`, value: 'x'.repeat(6_000) }));
    const events = loggedModel.decide({ ...command, params }, loggedModel.initial);
    expect(events.map(({ $typeName }) => $typeName.replace('vitae.registry.v1.', ''))).toEqual(['LoggedModelCreated', 'LoggedModelParamsLogged', 'LoggedModelParamsLogged', 'LoggedModelParamsLogged', 'LoggedModelTagged'].slice(0, events.length));
    expect(events.reduce(loggedModel.evolve, loggedModel.initial)).toMatchObject({ params: new Map(params.map(({ key, value }) => [key, value])), tags: new Map([['t', '1']]) });
    given([]).when({ type: 'DeleteLoggedModel' }).thenRefused('LOGGED_MODEL_NOT_FOUND');
  });

  it('keeps params as they were said first', () => {
    given([created]).when({ type: 'LogModelParams', params: [{ key: 'p', value: '1' }, { key: 'q', value: '2' }] }).then([create(LoggedModelParamsLoggedSchema, { ...of, params: [{ key: 'q', value: '2' }] })]);
    given([created]).when({ type: 'LogModelParams', params: [{ key: 'p', value: '2' }] }).thenRefused('PARAM_CHANGED');
  });

  it('is finalized, once for each status', () => {
    const ready = create(LoggedModelFinalizedSchema, { ...of, status: 'LOGGED_MODEL_READY' });
    given([created]).when({ type: 'FinalizeLoggedModel', status: 'LOGGED_MODEL_READY' }).then([ready]);
    given([created, ready]).when({ type: 'FinalizeLoggedModel', status: 'LOGGED_MODEL_READY' }).then([]);
  });

  it('has tags and files', () => {
    given([created]).when({ type: 'TagLoggedModel', tags: [{ key: 't', value: '1' }, { key: 'u', value: '2' }] }).then([create(LoggedModelTaggedSchema, { ...of, tags: [{ key: 'u', value: '2' }] })]);
    given([created]).when({ type: 'TagLoggedModel', tags: Array.from({ length: MOST_TAGS }, (_, i) => ({ key: `k${i}`, value: '' })) }).thenRefused('TAGS_TOO_MANY');
    given([created]).when({ type: 'RemoveLoggedModelTag', key: 't' }).then([create(LoggedModelTagRemovedSchema, { ...of, key: 't' })]);
    given([created]).when({ type: 'RemoveLoggedModelTag', key: 'u' }).thenRefused('LOGGED_MODEL_TAG_MISSING');
    const file = { path: 'MLmodel', digest: `sha256:${'c'.repeat(64)}` };
    given([created]).when({ type: 'LogModelArtifact', ...file, sizeBytes: 1 }).then([create(LoggedModelArtifactLoggedSchema, { ...of, ...file, sizeBytes: 1n })]);
    given([created]).when({ type: 'RemoveModelArtifact', path: '' }).then([create(LoggedModelArtifactRemovedSchema, of)]);
  });

  it('is deleted for ever', () => {
    given([created]).when({ type: 'DeleteLoggedModel' }).then([deleted]);
    given([created, deleted]).when({ type: 'DeleteLoggedModel' }).then([]);
    given([created, deleted]).when({ type: 'FinalizeLoggedModel', status: 'LOGGED_MODEL_READY' }).thenRefused('LOGGED_MODEL_NOT_FOUND');
  });
});

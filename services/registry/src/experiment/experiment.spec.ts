import { create } from '@bufbuild/protobuf';
import { describe, it } from '@jest/globals';
import { ExperimentCreatedSchema, ExperimentDeletedSchema, ExperimentRenamedSchema, ExperimentRestoredSchema, ExperimentTaggedSchema, ExperimentTagRemovedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { MOST_TAGS } from '../tags.ts';
import { experiment, type CreateExperiment } from './experiment.ts';

const given = specification(experiment);
const experimentId = 'a'.repeat(32);
const command: CreateExperiment = { type: 'CreateExperiment', experimentId, name: 'credit', artifactLocation: '', tags: [{ key: 'team', value: 'risk' }] };
const created = create(ExperimentCreatedSchema, { experimentId, name: 'credit', tags: [{ key: 'team', value: 'risk' }] });
const deleted = create(ExperimentDeletedSchema, { experimentId });
const restored = create(ExperimentRestoredSchema, { experimentId });
const tagged = create(ExperimentTaggedSchema, { experimentId, key: 'a', value: '1' });

describe('An experiment', () => {
  it('is created once', () => {
    given([]).when(command).then([created]);
    given([created]).when(command).then([]);
    given([]).when({ type: 'DeleteExperiment' }).thenRefused('EXPERIMENT_NOT_FOUND');
  });

  it('is renamed, and only to another name', () => {
    given([created]).when({ type: 'RenameExperiment', name: 'other' }).then([create(ExperimentRenamedSchema, { experimentId, name: 'other', previousName: 'credit' })]);
    given([created]).when({ type: 'RenameExperiment', name: 'credit' }).then([]);
  });

  it('has tags that are set, changed and removed', () => {
    given([created]).when({ type: 'TagExperiment', key: 'a', value: '1' }).then([tagged]);
    given([created, tagged]).when({ type: 'TagExperiment', key: 'a', value: '1' }).then([]);
    given([created, tagged]).when({ type: 'TagExperiment', key: 'a', value: '2' }).then([create(ExperimentTaggedSchema, { experimentId, key: 'a', value: '2' })]);
    given([created]).when({ type: 'RemoveExperimentTag', key: 'team' }).then([create(ExperimentTagRemovedSchema, { experimentId, key: 'team' })]);
    given([created]).when({ type: 'RemoveExperimentTag', key: 'a' }).thenRefused('EXPERIMENT_TAG_MISSING');
    const full = Array.from({ length: MOST_TAGS - 1 }, (_, i) => create(ExperimentTaggedSchema, { experimentId, key: `k${i}`, value: '' }));
    given([created, ...full]).when({ type: 'TagExperiment', key: 'one more', value: '' }).thenRefused('TAGS_TOO_MANY');
  });

  it('is deleted and restored, and takes nothing in between', () => {
    given([created]).when({ type: 'DeleteExperiment' }).then([deleted]);
    given([created, deleted]).when({ type: 'DeleteExperiment' }).then([]);
    given([created, deleted]).when({ type: 'RenameExperiment', name: 'x' }).thenRefused('EXPERIMENT_DELETED');
    given([created, deleted]).when({ type: 'TagExperiment', key: 'a', value: '1' }).thenRefused('EXPERIMENT_DELETED');
    given([created, deleted]).when({ type: 'RestoreExperiment' }).then([restored]);
    given([created]).when({ type: 'RestoreExperiment' }).then([]);
    given([created, deleted, restored]).when({ type: 'TagExperiment', key: 'a', value: '1' }).then([tagged]);
  });
});

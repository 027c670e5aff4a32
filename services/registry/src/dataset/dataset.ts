import { create } from '@bufbuild/protobuf';
import {
  DatasetDescribedSchema,
  DatasetExpectationsStatedSchema,
  DatasetTaggedSchema,
  DatasetTagRemovedSchema,
  ExpectationSchema,
  OnFailure as OnFailureKind,
  type DatasetDescribed,
  type DatasetExpectationsStated,
  type DatasetTagged,
  type DatasetTagRemoved,
} from '@vitae/contracts';
import { canonicalMessage } from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';
import { roomForTag, withoutTag, withTag, type Tags } from '../tags.ts';
import { SEVERITIES, type OnFailure } from './assessment.ts';
import type { Expectation } from './expectation.ts';

interface Of {
  readonly datasetId: string;
  readonly datasetName: string;
}

export type DatasetCommand = Of &
  (
    | { readonly type: 'DescribeDataset'; readonly description?: string | undefined; readonly owner?: string | undefined }
    | { readonly type: 'TagDataset'; readonly key: string; readonly value: string }
    | { readonly type: 'RemoveDatasetTag'; readonly key: string }
    | { readonly type: 'StateExpectations'; readonly expectations: readonly Expectation[]; readonly onFailure: OnFailure }
  );
export type DatasetEvent = DatasetDescribed | DatasetTagged | DatasetTagRemoved | DatasetExpectationsStated;

export interface DatasetState {
  readonly description: string;
  readonly owner: string;
  readonly tags: Tags;
  readonly expectationsRevision: number;
  /** What was stated last, as canonical text: only whether it is the same again is asked. */
  readonly expectations: string;
}

/**
 * A dataset: the name under which versions are kept, who answers for it, and what is expected of every version. It needs no
 * registration: the first version, or the first thing that is said of it, makes it.
 */
export const dataset: Decider<DatasetState, DatasetCommand, DatasetEvent> = {
  category: 'registry.Dataset',
  initial: { description: '', owner: '', tags: new Map(), expectationsRevision: 0, expectations: '' },

  decide(command, state): readonly DatasetEvent[] {
    const { datasetId, datasetName } = command;
    switch (command.type) {
      case 'DescribeDataset': {
        const { description = state.description, owner = state.owner } = command;
        return description === state.description && owner === state.owner ? [] : [create(DatasetDescribedSchema, { datasetId, datasetName, description, owner })];
      }
      case 'TagDataset':
        roomForTag(state.tags, command.key);
        return state.tags.get(command.key) === command.value ? [] : [create(DatasetTaggedSchema, { datasetId, datasetName, key: command.key, value: command.value })];
      case 'RemoveDatasetTag':
        return state.tags.has(command.key) ? [create(DatasetTagRemovedSchema, { datasetId, datasetName, key: command.key })] : [];
      case 'StateExpectations': {
        const stated = expectationsStated(command, state.expectationsRevision + 1);
        return sayingOf(stated) === (state.expectations || NOTHING_EXPECTED) ? [] : [stated];
      }
    }
  },

  evolve(state, event): DatasetState {
    switch (event.$typeName) {
      case 'vitae.registry.v1.DatasetDescribed':
        return { ...state, description: event.description, owner: event.owner };
      case 'vitae.registry.v1.DatasetTagged':
        return { ...state, tags: withTag(state.tags, event.key, event.value) };
      case 'vitae.registry.v1.DatasetTagRemoved':
        return { ...state, tags: withoutTag(state.tags, event.key) };
      case 'vitae.registry.v1.DatasetExpectationsStated':
        return { ...state, expectationsRevision: event.expectationsRevision, expectations: sayingOf(event) };
    }
  },
};

const expectationsStated = ({ datasetId, datasetName, expectations, onFailure }: Of & { readonly expectations: readonly Expectation[]; readonly onFailure: OnFailure }, expectationsRevision: number): DatasetExpectationsStated =>
  create(DatasetExpectationsStatedSchema, {
    datasetId,
    datasetName,
    expectationsRevision,
    expectations: expectations.map(({ severity, ...same }) => create(ExpectationSchema, { ...same, columns: [...same.columns], values: [...same.values], severity: SEVERITIES[severity] })),
    onFailure: onFailure === 'quarantine' ? OnFailureKind.QUARANTINE : OnFailureKind.NOTE,
  });

/** What a statement says, whichever revision it is and of which dataset. */
const sayingOf = ({ expectations, onFailure }: DatasetExpectationsStated): string =>
  canonicalMessage(DatasetExpectationsStatedSchema, create(DatasetExpectationsStatedSchema, { expectations, onFailure }));
const NOTHING_EXPECTED = sayingOf(create(DatasetExpectationsStatedSchema, { onFailure: OnFailureKind.NOTE }));

export const datasetNotFound = (name: string): Refused => new Refused('DATASET_NOT_FOUND', `There is no dataset ${name} in this project: nothing was registered under that name or said of it.`, 404);
export const expectationInvalid = (name: string, fault: string): Refused => new Refused('EXPECTATION_INVALID', `The expectation ${name} cannot be asked: ${fault}`, 422);

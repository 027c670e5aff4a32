import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import {
  ActorKind,
  DatasetVersionQuarantinedSchema,
  DatasetVersionRegisteredSchema,
  EvaluationRecordedSchema,
  LineageLinkDeclaredSchema,
  LineageLinkWithdrawnSchema,
  LoggedModelCreatedSchema,
  ModelVersionReferencedSchema,
  ModelVersionRegisteredSchema,
  ModelVersionSignatureVerifiedSchema,
  OpenLineageRunObservedSchema,
  RunOutputsLoggedSchema,
  RunStartedSchema,
} from '@vitae/contracts';
import { personBehind } from '../person-behind.ts';
import { contributionOf } from './contributions.ts';

const runId = 'a'.repeat(32);
const logged = `m-${'b'.repeat(32)}`;
const link = { linkId: 'l1', from: { kind: 'dataset-version', id: 'd2' }, to: { kind: 'model-version', id: 'v1' }, relation: 'trained-on' };

describe('a part in a version', () => {
  it('has who registered it, is named in it, signed it, and who registered its data', () => {
    expect(contributionOf(create(ModelVersionRegisteredSchema, { modelVersionId: 'v1', datasetVersionId: 'd1', contributors: ['emil'] }))).toMatchObject({ partIn: 'model-version:v1', named: ['emil'] });
    expect(contributionOf(create(ModelVersionSignatureVerifiedSchema, { modelVersionId: 'v1' }))).toEqual({ partIn: 'model-version:v1' });
    expect(contributionOf(create(DatasetVersionRegisteredSchema, { datasetVersionId: 'd1', derivedFromDatasetVersionIds: ['d0'] }))).toEqual({ partIn: 'dataset-version:d1', madeOf: [{ node: 'dataset-version:d1', source: 'dataset-version:d0' }] });
  });
  it('has whoever had one in its data, run, base and logged model', () => {
    const version = { modelVersionId: 'v1', datasetVersionId: 'd1', runId, artefactSource: `models:/${logged}`, derivedFrom: [{ modelVersionId: 'v0' }] };
    expect(contributionOf(create(ModelVersionRegisteredSchema, version))?.madeOf?.map(({ source }) => source)).toEqual(['dataset-version:d1', `run:${runId}`, 'model-version:v0', `logged-model:${logged}`]);
    const reference = { modelVersionId: 'v1', copiedFromModelVersionId: 'v0', loggedModelId: logged };
    expect(contributionOf(create(ModelVersionReferencedSchema, reference))?.madeOf?.map(({ source }) => source)).toEqual(['model-version:v0', `logged-model:${logged}`]);
  });
  it('has who ran what made it', () => {
    expect(contributionOf(create(RunStartedSchema, { runId }))).toEqual({ partIn: `run:${runId}` });
    expect(contributionOf(create(RunOutputsLoggedSchema, { runId, models: [{ modelId: logged }] }))?.madeOf).toEqual([{ node: `logged-model:${logged}`, source: `run:${runId}` }]);
    expect(contributionOf(create(LoggedModelCreatedSchema, { modelId: logged, sourceRunId: runId }))).toEqual({ partIn: `logged-model:${logged}`, madeOf: [{ node: `logged-model:${logged}`, source: `run:${runId}` }] });
    const observed = create(OpenLineageRunObservedSchema, { runId: 'r1', inputs: [{ namespace: 'w', name: 't', version: '3' }], outputs: [{ namespace: 'v', name: 'x', knownAs: { kind: 'dataset-version', id: 'd1' } }] });
    expect(contributionOf(observed)?.madeOf).toEqual([{ node: 'run:r1', source: 'dataset:w/t@3' }, { node: 'dataset-version:d1', source: 'run:r1' }]);
  });
  it('follows links that people declare, until they are withdrawn; who declares one has no part', () => {
    expect(contributionOf(create(LineageLinkDeclaredSchema, link))).toEqual({ madeOf: [{ node: 'model-version:v1', source: 'dataset-version:d2', linkId: 'l1' }] });
    expect(contributionOf(create(LineageLinkWithdrawnSchema, link))).toEqual({ withdrawn: 'l1' });
    expect(contributionOf(create(LineageLinkDeclaredSchema, { ...link, from: { kind: 'source', id: 'x'.repeat(301) } }))).toEqual({ madeOf: [] });
  });
  it('has nobody by measuring it or by finding fault with its data', () => {
    expect(contributionOf(create(EvaluationRecordedSchema, { modelVersionId: 'v1' }))).toBeUndefined();
    expect(contributionOf(create(DatasetVersionQuarantinedSchema, { datasetVersionId: 'd1' }))).toBeUndefined();
  });
});

describe('the person behind a deed', () => {
  it('is the human who did it, or on whose behalf a machine did', () => {
    expect(personBehind({ id: 'dana', kind: ActorKind.HUMAN, onBehalfOf: '' })).toBe('dana');
    expect(personBehind({ id: 'ci', kind: ActorKind.MACHINE, onBehalfOf: 'dana' })).toBe('dana');
    expect(personBehind({ id: 'registry', kind: ActorKind.SYSTEM, onBehalfOf: 'dana' })).toBe('dana');
    expect(personBehind({ id: 'ci', kind: ActorKind.MACHINE, onBehalfOf: '' })).toBeUndefined();
  });
});

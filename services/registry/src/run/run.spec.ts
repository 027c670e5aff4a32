import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { RunArtifactLoggedSchema, RunArtifactRemovedSchema, RunDeletedSchema, RunEndedSchema, RunInputsLoggedSchema, RunLoggedSchema, RunOutputsLoggedSchema, RunRenamedSchema, RunRestoredSchema, RunResumedSchema, RunStartedSchema, RunTagRemovedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { MOST_TAGS } from '../tags.ts';
import { ownerAt, ownerOf, placeOfLoggedModel, placeOfRun } from './artifact-place.ts';
import { inParcels } from './parcels.ts';
import { MOST_PARAMS, run, type Point, type RunCommand, type StartRun } from './run.ts';
import { hexOf, modelIdOf, uuidOf, uuidOfModel } from './tracking-id.ts';

const given = specification(run);
const of = { runId: 'a'.repeat(32), experimentId: '0' };
const start: StartRun = { type: 'StartRun', ...of, name: 'first', userId: 'dana', startedAt: 1_000, artifactUri: 's3://b/a', tags: [{ key: 'mlflow.runName', value: 'first' }] };
const started = create(RunStartedSchema, { ...of, name: 'first', userId: 'dana', startedAt: 1_000n, artifactUri: 's3://b/a', tags: [{ key: 'mlflow.runName', value: 'first' }] });
const deleted = create(RunDeletedSchema, of);
const point = (value: number, step = 0): Point => ({ key: 'auc', value, timestamp: 1_000, step, modelId: '', datasetName: '', datasetDigest: '' });
const log = (more: Partial<Extract<RunCommand, { type: 'LogToRun' }>>): RunCommand => ({ type: 'LogToRun', metrics: [], params: [], tags: [], ...more });
const update = (more: Partial<Extract<RunCommand, { type: 'UpdateRun' }>>): RunCommand => ({ type: 'UpdateRun', status: undefined, endedAt: undefined, name: undefined, ...more });
const withParam = create(RunLoggedSchema, { ...of, params: [{ key: 'depth', value: '3' }] });

describe('A run', () => {
  it('is started once', () => {
    given([]).when(start).then([started]);
    given([started]).when(start).then([]);
    given([]).when(log({})).thenRefused('RUN_NOT_FOUND');
  });

  it('logs what is news of a call in one event', () => {
    given([started])
      .when(log({ metrics: [point(0.5), point(NaN, 1)], params: [{ key: 'depth', value: '3' }], tags: [{ key: 'a', value: '1' }, { key: 'mlflow.runName', value: 'first' }] }))
      .then([create(RunLoggedSchema, { ...of, metrics: [{ key: 'auc', value: 0.5, timestamp: 1_000n }, { key: 'auc', value: NaN, timestamp: 1_000n, step: 1n }], params: [{ key: 'depth', value: '3' }], tags: [{ key: 'a', value: '1' }] })]);
    given([started, withParam]).when(log({ params: [{ key: 'depth', value: '3' }] })).then([]);
  });

  it('keeps a param as it was said first', () => {
    given([started, withParam]).when(log({ params: [{ key: 'depth', value: '4' }] })).thenRefused('PARAM_CHANGED');
    const full = create(RunLoggedSchema, { ...of, params: Array.from({ length: 1_000 }, (_, i) => ({ key: `p${i}`, value: '' })) });
    const many = Array.from({ length: MOST_PARAMS / 1_000 }, (_, n) => create(RunLoggedSchema, { ...of, params: full.params.map(({ key, value }) => ({ key: `${n}${key}`, value })) }));
    given([started, ...many]).when(log({ params: [{ key: 'one more', value: '' }] })).thenRefused('PARAMS_TOO_MANY');
  });

  it('has tags, and its name is one of them', () => {
    given([started]).when({ type: 'RemoveRunTag', key: 'a' }).thenRefused('RUN_TAG_MISSING');
    given([started, create(RunLoggedSchema, { ...of, tags: [{ key: 'a', value: '1' }] })]).when({ type: 'RemoveRunTag', key: 'a' }).then([create(RunTagRemovedSchema, { ...of, key: 'a' })]);
    const renamed = create(RunLoggedSchema, { ...of, tags: [{ key: 'mlflow.runName', value: 'other' }] });
    given([started, renamed]).when(update({ name: 'other' })).then([]);
    given([started]).when(update({ name: 'other' })).then([create(RunRenamedSchema, { ...of, name: 'other', previousName: 'first' })]);
    given([started]).when(log({ tags: Array.from({ length: MOST_TAGS }, (_, i) => ({ key: `k${i}`, value: '' })) })).thenRefused('TAGS_TOO_MANY');
  });

  it('ends, is corrected, and goes on', () => {
    const ended = create(RunEndedSchema, { ...of, status: 'FINISHED', endedAt: 2_000n });
    given([started]).when(update({ status: 'FINISHED', endedAt: 2_000 })).then([ended]);
    given([started, ended]).when(update({ status: 'FINISHED', endedAt: 2_000 })).then([]);
    given([started, ended]).when(update({ status: 'FAILED' })).then([create(RunEndedSchema, { ...of, status: 'FAILED', endedAt: 2_000n })]);
    given([started, ended]).when(update({ status: 'RUNNING' })).then([create(RunResumedSchema, { ...of, status: 'RUNNING', endedAt: 2_000n })]);
    given([started]).when(update({})).then([]);
  });

  it('logs inputs, outputs and files, and nothing where nothing is new', () => {
    const dataset = { name: 'd', digest: '1', sourceType: 's', source: '{}', schema: '', profile: '', tags: [{ key: 'mlflow.data.context', value: 'train' }] };
    const modelId = `m-${'b'.repeat(32)}`;
    given([started]).when({ type: 'LogInputs', datasets: [dataset], modelIds: [modelId] }).then([create(RunInputsLoggedSchema, { ...of, datasets: [dataset] }), create(RunInputsLoggedSchema, { ...of, modelIds: [modelId] })]);
    given([started]).when({ type: 'LogInputs', datasets: [], modelIds: [] }).then([]);
    given([started]).when({ type: 'LogOutputs', models: [{ modelId, step: 2 }] }).then([create(RunOutputsLoggedSchema, { ...of, models: [{ modelId, step: 2n }] })]);
    given([started]).when({ type: 'LogOutputs', models: [] }).then([]);
    const file = { path: 'a/b.txt', digest: `sha256:${'c'.repeat(64)}` };
    given([started]).when({ type: 'LogRunArtifact', ...file, sizeBytes: 3 }).then([create(RunArtifactLoggedSchema, { ...of, ...file, sizeBytes: 3n })]);
    given([started]).when({ type: 'RemoveRunArtifact', path: 'a' }).then([create(RunArtifactRemovedSchema, { ...of, path: 'a' })]);
  });

  it('is deleted and restored, and takes nothing in between', () => {
    given([started]).when({ type: 'DeleteRun' }).then([deleted]);
    given([started, deleted]).when({ type: 'DeleteRun' }).then([]);
    given([started, deleted]).when(log({ tags: [{ key: 'a', value: '1' }] })).thenRefused('RUN_DELETED');
    given([started, deleted]).when({ type: 'RestoreRun' }).then([create(RunRestoredSchema, of)]);
    given([started]).when({ type: 'RestoreRun' }).then([]);
  });
});

describe('What goes into one event', () => {
  it('is as much as fits, in order; what is larger goes alone', () => {
    const of = (length: number, id: number) => ({ id, text: 'x'.repeat(length) });
    expect(inParcels([])).toEqual([]);
    expect(inParcels([of(90_000, 1), of(90_000, 2), of(90_000, 3), of(250_000, 4), of(1, 5)]).map((parcel) => parcel.map(({ id }) => id))).toEqual([[1, 2], [3], [4], [5]]);
  });
});

describe('The place of an artefact', () => {
  const [runId, modelId] = ['a'.repeat(32), `m-${'b'.repeat(32)}`];
  const here = { projectId: 'lab', id: '0', artifactLocation: '' };
  it('is read as it was written', () => {
    expect(ownerAt(placeOfRun(here, runId))).toEqual({ projectId: 'lab', owner: { is: 'run', id: runId }, path: '' });
    expect(ownerAt(`${placeOfLoggedModel(here, modelId)}/a/b.txt`)).toEqual({ projectId: 'lab', owner: { is: 'logged-model', id: modelId }, path: 'a/b.txt' });
    expect(placeOfRun({ ...here, artifactLocation: 's3://b/x' }, runId)).toBe(`s3://b/x/${runId}/artifacts`);
  });

  it.each(['', 'lab', `lab/0/${runId}`, `lab/0/${runId}/other/x`, `lab/0/models/${runId}/artifacts`, `../lab/0/${runId}/artifacts`, `/lab/0/${runId}/artifacts`, `lab/0/${runId.toUpperCase()}/artifacts`])('is not %j', (path) => {
    expect(ownerOf(path)).toBeUndefined();
  });

  it.each([`s3://b/0/${runId}/artifacts`, `mlflow-artifacts://other:80/lab/0/${runId}/artifacts`, `runs:/${runId}/x`])('is not here when it is %j', (uri) => {
    expect(ownerAt(uri)).toBeUndefined();
  });

  it('has ids that are UUIDs without hyphens', () => {
    const uuid = '01890000-0000-7000-8000-000000000001';
    expect([uuidOf(hexOf(uuid)), uuidOfModel(modelIdOf(uuid)), uuidOf(uuid), uuidOf('x'), uuidOfModel(hexOf(uuid))]).toEqual([uuid, uuid, undefined, undefined, undefined]);
  });
});

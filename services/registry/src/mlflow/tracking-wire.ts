import { placeOfExperiment } from '../run/artifact-place.ts';
import type { ExperimentShown, LoggedModelShown, MetricShown, PointShown, RunShown } from '../run/tracked.ts';
import { hexOf, modelIdOf } from '../run/tracking-id.ts';

// What MLflow's clients read of the tracking half. Fields that are not set are left out; times are milliseconds.

export function experimentOnWire(experiment: ExperimentShown) {
  const { id, name, tags, deleted, createdAt, updatedAt } = experiment;
  return {
    experiment_id: id,
    name,
    artifact_location: placeOfExperiment(experiment),
    lifecycle_stage: deleted ? 'deleted' : 'active',
    last_update_time: updatedAt,
    creation_time: createdAt,
    ...unlessNone('tags', tagList(tags)),
  };
}

export function runInfo({ id, experimentId, name, userId, status, startedAt, endedAt, artifactUri, deleted }: RunShown) {
  return {
    run_uuid: hexOf(id),
    run_id: hexOf(id),
    run_name: name,
    experiment_id: experimentId,
    user_id: userId,
    status,
    start_time: startedAt,
    ...(endedAt === null ? {} : { end_time: endedAt }),
    artifact_uri: artifactUri,
    lifecycle_stage: deleted ? 'deleted' : 'active',
  };
}

export function runOnWire(run: RunShown) {
  const runId = hexOf(run.id);
  return {
    info: runInfo(run),
    data: { ...unlessNone('metrics', run.metrics.map((metric) => metricOnWire({ ...metric, runId }))), ...unlessNone('params', tagList(run.params)), ...unlessNone('tags', tagList(run.tags)) },
    inputs: {
      ...unlessNone(
        'dataset_inputs',
        run.datasets.map(({ name, digest, sourceType, source, schema, profile, tags }) => ({
          ...unlessNone('tags', tagList(tags)),
          dataset: { name, digest, source_type: sourceType, source, ...(schema === '' ? {} : { schema }), ...(profile === '' ? {} : { profile }) },
        })),
      ),
      ...unlessNone('model_inputs', run.modelInputs.map((model_id) => ({ model_id }))),
    },
    outputs: unlessNone('model_outputs', run.modelOutputs.map(({ modelId, step }) => ({ model_id: modelId, step }))),
  };
}

/** NaN and the infinities as texts, as protobuf's JSON has them. */
export function metricOnWire({ runId, key, value, timestamp, step, modelId, datasetName, datasetDigest }: (MetricShown & { readonly runId: string }) | PointShown) {
  return {
    key,
    value: typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
    timestamp,
    step,
    ...(datasetName === '' ? {} : { dataset_name: datasetName }),
    ...(datasetDigest === '' ? {} : { dataset_digest: datasetDigest }),
    ...(modelId === '' ? {} : { model_id: modelId }),
    run_id: hexOf(runId),
  };
}

export function loggedModelOnWire(model: LoggedModelShown, metrics: readonly PointShown[]) {
  const modelId = modelIdOf(model.id);
  return {
    info: {
      model_id: modelId,
      experiment_id: model.experimentId,
      name: model.name,
      creation_timestamp_ms: model.createdAt,
      last_updated_timestamp_ms: model.updatedAt,
      artifact_uri: model.artifactUri,
      status: model.status,
      ...(model.modelType === '' ? {} : { model_type: model.modelType }),
      ...(model.sourceRunId === null ? {} : { source_run_id: model.sourceRunId }),
      ...unlessNone('tags', tagList(model.tags)),
      ...unlessNone('registrations', model.registrations.map(({ name, version }) => ({ name, version: String(version) }))),
    },
    data: { ...unlessNone('params', tagList(model.params)), ...unlessNone('metrics', metrics.filter((one) => one.modelId === modelId).map(metricOnWire)) },
  };
}

const tagList = (tags: Readonly<Record<string, string>>) => Object.entries(tags).map(([key, value]) => ({ key, value }));
const unlessNone = <Name extends string, Value>(name: Name, values: readonly Value[]) => (values.length === 0 ? {} : { [name]: values });

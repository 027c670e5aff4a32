import type { Message } from '@bufbuild/protobuf';
import type { DatasetVersionRegistered, EvaluationRecorded, ModelVersionRegistered } from '@vitae/contracts';
import { SPEC } from './document.ts';
import { nameOfDataset, nameOfModel, namespaceOf } from './names.ts';

/** Who says so, in events of OpenLineage: the registry, whichever build of it. */
const PRODUCER = 'urn:vitae:registry';

type Told = DatasetVersionRegistered | ModelVersionRegistered | EvaluationRecorded;

/** A version as other events name it by its id. */
export interface Named {
  readonly name: string;
  readonly version: number;
}

/** Of what has to be known of dataset and model versions that an event names by their ids. */
export interface Names {
  readonly datasetVersion: Named | undefined;
  readonly modelVersion: Named | undefined;
}

/** The ids that an event names and does not describe. Undefined: it is not told to others. */
export function namedIn(message: Message): { readonly datasetVersionId?: string; readonly modelVersionId?: string } | undefined {
  const event = message as Told;
  switch (event.$typeName) {
    case 'vitae.registry.v1.DatasetVersionRegistered':
      return {};
    case 'vitae.registry.v1.ModelVersionRegistered':
      return { datasetVersionId: event.datasetVersionId };
    case 'vitae.registry.v1.EvaluationRecorded':
      return { datasetVersionId: event.datasetVersionId, modelVersionId: event.modelVersionId };
    default:
      return undefined;
  }
}

/**
 * What happened, as the RunEvent of a run that is complete: a dataset version was registered, a model version was, an
 * evaluation was made. The run's id is that of our event.
 */
export function runEventOf(message: Message, { id, projectId, recordedAt }: { readonly id: string; readonly projectId: string; readonly recordedAt: string }, names: Names): object | undefined {
  const event = message as Told;
  const namespace = namespaceOf(projectId);
  const told = (job: string, inputs: readonly object[], outputs: readonly object[], jobFacets: object = {}): object => ({
    eventType: 'COMPLETE',
    eventTime: recordedAt,
    producer: PRODUCER,
    schemaURL: `${SPEC}#/$defs/RunEvent`,
    run: { runId: id },
    job: { namespace, name: job, facets: { jobType: facet('2-0-4/JobTypeJobFacet', { processingType: 'BATCH', integration: 'VITAE', jobType: 'JOB' }), ...jobFacets } },
    inputs,
    outputs,
  });
  const versioned = (name: string, version: number, facets: object = {}): object => ({ namespace, name, facets: { version: facet('1-0-1/DatasetVersionDatasetFacet', { datasetVersion: String(version) }), ...facets } });
  const data = names.datasetVersion ? [versioned(nameOfDataset(names.datasetVersion.name), names.datasetVersion.version)] : [];
  switch (event.$typeName) {
    case 'vitae.registry.v1.DatasetVersionRegistered': {
      const schema = facet('1-2-0/SchemaDatasetFacet', { fields: event.columns.map(({ name, dataType }) => ({ name, type: dataType })) });
      const output = versioned(nameOfDataset(event.datasetName), event.version, { schema, dataSource: facet('1-0-1/DatasourceDatasetFacet', { name: event.source, ...(URL.canParse(event.source) ? { uri: event.source } : {}) }) });
      const outputFacets = { outputStatistics: facet('1-0-2/OutputStatisticsOutputDatasetFacet', { rowCount: Number(event.rowCount), size: Number(event.sizeBytes) }) };
      return told('register-dataset-version', [], [{ ...output, outputFacets }]);
    }
    case 'vitae.registry.v1.ModelVersionRegistered': {
      const { source } = event;
      const code = source && { sourceCodeLocation: facet('1-1-0/SourceCodeLocationJobFacet', { type: 'git', url: source.repository, repoUrl: source.repository, version: source.commit }) };
      return told('register-model-version', data, [versioned(nameOfModel(event.modelName), event.version)], code);
    }
    case 'vitae.registry.v1.EvaluationRecorded': {
      const model = names.modelVersion ? [versioned(nameOfModel(names.modelVersion.name), names.modelVersion.version)] : [];
      return told('evaluate-model-version', [...model, ...data], [{ namespace, name: `evaluations/${event.evaluationId}` }]);
    }
    default:
      return undefined;
  }
}

const facet = (schema: string, said: object): object => ({ _producer: PRODUCER, _schemaURL: `https://openlineage.io/spec/facets/${schema}.json#/$defs/${schema.split('/')[1]}`, ...said });

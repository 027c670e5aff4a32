import type { Message } from '@bufbuild/protobuf';
import type {
  DatasetVersionDeprecated,
  DatasetVersionDeprecationLifted,
  DatasetVersionErased,
  DatasetVersionQuarantined,
  DatasetVersionQuarantineLifted,
  DatasetVersionRegistered,
  EvaluationInvalidated,
  EvaluationRecorded,
  EvaluationReported,
  ModelCardApproved,
  ModelCardDrafted,
  ModelCardPublished,
  ModelCardReturned,
  ModelCardRevised,
  ModelCardSubmittedForReview,
  ModelDeleted,
  ModelDeprecated,
  ModelDeprecationLifted,
  ModelPurposeStated,
  ModelRegistered,
  ModelRenamed,
  ModelRestored,
  ModelVersionDeleted,
  ModelVersionDeprecated,
  ModelVersionDeprecationLifted,
  ModelVersionPurged,
  ModelVersionReferenced,
  ModelVersionRegistered,
  ModelVersionRestored,
  ModelVersionRetired,
} from '@vitae/contracts';
import { edge, fromKnown, is, node, type LineageFact } from './lineage-fact.ts';
import { commitId } from './node.ts';

type Told = DatasetVersionDeprecated | DatasetVersionDeprecationLifted | DatasetVersionErased | DatasetVersionQuarantined | DatasetVersionQuarantineLifted | DatasetVersionRegistered | EvaluationInvalidated | EvaluationRecorded | EvaluationReported | ModelCardApproved | ModelCardDrafted | ModelCardPublished | ModelCardReturned | ModelCardRevised | ModelCardSubmittedForReview | ModelDeleted | ModelDeprecated | ModelDeprecationLifted | ModelPurposeStated | ModelRegistered | ModelRenamed | ModelRestored | ModelVersionDeleted | ModelVersionDeprecated | ModelVersionDeprecationLifted | ModelVersionPurged | ModelVersionReferenced | ModelVersionRegistered | ModelVersionRestored | ModelVersionRetired;

/** What data, models, versions, evaluations and cards came from. */
export function registryLineage(message: Message): readonly LineageFact[] | undefined {
  const event = message as Told;
  switch (event.$typeName) {
    case 'vitae.registry.v1.DatasetVersionRegistered': {
      const version = node('dataset-version', event.datasetVersionId);
      return [
        is(version, 'registered', `${event.datasetName} version ${event.version}`),
        edge(node('source', event.source), version, 'taken-from'),
        ...event.derivedFromDatasetVersionIds.map((id) => edge(node('dataset-version', id), version, 'derived-from')),
        ...event.derivedFromUris.map((uri) => edge(node('source', uri), version, 'derived-from')),
      ];
    }
    case 'vitae.registry.v1.DatasetVersionQuarantined':
      return [is(node('dataset-version', event.datasetVersionId), 'quarantined')];
    case 'vitae.registry.v1.DatasetVersionDeprecated':
      return [is(node('dataset-version', event.datasetVersionId), 'deprecated')];
    case 'vitae.registry.v1.DatasetVersionQuarantineLifted':
    case 'vitae.registry.v1.DatasetVersionDeprecationLifted':
      return [is(node('dataset-version', event.datasetVersionId), 'registered')];
    case 'vitae.registry.v1.DatasetVersionErased':
      return [is(node('dataset-version', event.datasetVersionId), 'erased')];
    case 'vitae.registry.v1.ModelRegistered':
      return [is(node('model', event.modelId), 'active', event.name), ...fromKnown('use-case', event.useCaseId, node('model', event.modelId), 'made-for')];
    case 'vitae.registry.v1.ModelPurposeStated':
      return fromKnown('use-case', event.useCaseId, node('model', event.modelId), 'made-for');
    case 'vitae.registry.v1.ModelRenamed':
      return [{ fact: 'node', node: node('model', event.modelId), label: event.name }];
    case 'vitae.registry.v1.ModelDeprecated':
      return [is(node('model', event.modelId), 'deprecated')];
    case 'vitae.registry.v1.ModelDeprecationLifted':
      return [is(node('model', event.modelId), 'active')];
    case 'vitae.registry.v1.ModelDeleted':
      return [is(node('model', event.modelId), 'deleted')];
    case 'vitae.registry.v1.ModelRestored':
      return [{ fact: 'back', node: node('model', event.modelId) }];
    case 'vitae.registry.v1.ModelVersionRegistered': {
      const version = node('model-version', event.modelVersionId);
      return [
        is(version, 'registered', `${event.modelName} version ${event.version}`),
        edge(node('model', event.modelId), version, 'version-of'),
        edge(node('dataset-version', event.datasetVersionId), version, 'trained-on'),
        ...(event.source ? [edge(node('commit', commitId(event.source.repository, event.source.commit)), version, 'built-from')] : []),
        ...fromKnown('run', event.runId, version, 'made-by'),
        ...fromKnown('source', event.artefactSource, version, 'taken-from'),
      ];
    }
    case 'vitae.registry.v1.ModelVersionReferenced': {
      const version = node('model-version', event.modelVersionId);
      return [
        is(version, 'registered', `${event.modelName} version ${event.version}`),
        edge(node('model', event.modelId), version, 'version-of'),
        ...(event.copiedFromModelVersionId === '' ? fromKnown('source', event.location, version, 'taken-from') : fromKnown('model-version', event.copiedFromModelVersionId, version, 'copy-of')),
        ...fromKnown('run', event.runId, version, 'made-by'),
      ];
    }
    case 'vitae.registry.v1.ModelVersionDeprecated':
      return [is(node('model-version', event.modelVersionId), 'deprecated')];
    case 'vitae.registry.v1.ModelVersionDeprecationLifted':
      return [is(node('model-version', event.modelVersionId), 'registered')];
    case 'vitae.registry.v1.ModelVersionRetired':
      return [is(node('model-version', event.modelVersionId), 'retired')];
    case 'vitae.registry.v1.ModelVersionDeleted':
      return [is(node('model-version', event.modelVersionId), 'deleted')];
    case 'vitae.registry.v1.ModelVersionRestored':
      return [{ fact: 'back', node: node('model-version', event.modelVersionId) }];
    case 'vitae.registry.v1.ModelVersionPurged':
      return [is(node('model-version', event.modelVersionId), 'purged')];
    case 'vitae.registry.v1.EvaluationRecorded': {
      const measured = node('evaluation', event.evaluationId);
      return [
        is(measured, 'recorded', `evaluation of version ${event.version} on ${event.split === '' ? 'all rows' : event.split}`),
        edge(node('model-version', event.modelVersionId), measured, 'measures'),
        edge(node('dataset-version', event.datasetVersionId), measured, 'measured-on'),
        ...(event.comparison ? [edge(node('model-version', event.comparison.modelVersionId), measured, 'compares-with')] : []),
      ];
    }
    case 'vitae.registry.v1.EvaluationReported': {
      const reported = node('evaluation', event.evaluationId);
      return [
        is(reported, 'reported', `evaluation of version ${event.version} by ${event.executedBy}`),
        edge(node('model-version', event.modelVersionId), reported, 'measures'),
        ...fromKnown('dataset-version', event.datasetVersionId, reported, 'measured-on'),
        ...fromKnown('source', event.externalDataset?.uri ?? '', reported, 'measured-on'),
      ];
    }
    case 'vitae.registry.v1.EvaluationInvalidated':
      return [is(node('evaluation', event.evaluationId), 'invalidated')];
    case 'vitae.registry.v1.ModelCardDrafted':
      return [is(node('model-card', event.modelVersionId), 'draft', `card of version ${event.version}`), edge(node('model-version', event.modelVersionId), node('model-card', event.modelVersionId), 'describes')];
    case 'vitae.registry.v1.ModelCardRevised':
    case 'vitae.registry.v1.ModelCardReturned':
      return [is(node('model-card', event.modelVersionId), 'draft')];
    case 'vitae.registry.v1.ModelCardSubmittedForReview':
      return [is(node('model-card', event.modelVersionId), 'in-review')];
    case 'vitae.registry.v1.ModelCardApproved':
      return [is(node('model-card', event.modelVersionId), 'approved')];
    case 'vitae.registry.v1.ModelCardPublished':
      return [is(node('model-card', event.modelVersionId), 'published')];
    default:
      return undefined;
  }
}

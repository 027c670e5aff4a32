import type { Message } from '@bufbuild/protobuf';
import type { DatasetVersionDeprecated, DatasetVersionDeprecationLifted, DatasetVersionErased, DatasetVersionQuarantined, DatasetVersionQuarantineLifted, DatasetVersionRegistered } from '@vitae/contracts';
import { edge, fromKnown, is, node, type LineageFact } from './lineage-fact.ts';

type Told = DatasetVersionDeprecated | DatasetVersionDeprecationLifted | DatasetVersionErased | DatasetVersionQuarantined | DatasetVersionQuarantineLifted | DatasetVersionRegistered;

/** What data came from, and how it stands. */
export function datasetLineage(message: Message): readonly LineageFact[] | undefined {
  const event = message as Told;
  switch (event.$typeName) {
    case 'vitae.registry.v1.DatasetVersionRegistered': {
      const version = node('dataset-version', event.datasetVersionId);
      return [
        is(version, 'registered', `${event.datasetName} version ${event.version}`),
        ...[...new Set([event.source, ...event.derivedFromUris])].flatMap((source) => fromKnown('source', source, version, 'taken-from')),
        ...event.derivedFromDatasetVersionIds.map((id) => edge(node('dataset-version', id), version, 'derived-from')),
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
    default:
      return undefined;
  }
}

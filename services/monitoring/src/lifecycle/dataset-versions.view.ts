import { defineEntity, p, type EntityManager, type InferEntity } from '@mikro-orm/postgresql';
import { ColumnKind, type DatasetVersionRegistered } from '@vitae/contracts';
import type { RecordedEvent } from '@vitae/event-store';
import { Problem } from '@vitae/service-kit';

/** The data that baselines are fitted to, as the registry tells of it: where its bytes are, and what its columns are. */
export const DatasetVersion = defineEntity({
  name: 'DatasetVersion',
  tableName: 'dataset_version',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text(),
    digest: p.text(),
    mediaType: p.text(),
    labelColumn: p.text(),
    splitColumn: p.text(),
    splits: p.json<string[]>(),
    columns: p.json<{ name: string; kind: 'numeric' | 'categorical' }[]>(),
  },
});
export type DatasetVersion = InferEntity<typeof DatasetVersion>;

export async function projectDatasetVersion(em: EntityManager, { projectId }: RecordedEvent, event: DatasetVersionRegistered): Promise<void> {
  const { datasetVersionId, digest, mediaType, labelColumn, splitColumn } = event;
  await em.upsert(DatasetVersion, {
    id: datasetVersionId,
    projectId,
    digest,
    mediaType,
    labelColumn,
    splitColumn,
    splits: event.splits.map(({ name }) => name),
    columns: event.columns.map(({ name, kind }) => ({ name, kind: kind === ColumnKind.NUMERIC ? 'numeric' : 'categorical' })),
  });
}

/** @throws Problem 404 dataset-version-not-found */
export async function datasetVersionOf(em: EntityManager, projectId: string, id: string): Promise<DatasetVersion> {
  const found = await em.findOne(DatasetVersion, { id, projectId });
  if (!found) throw new Problem(404, 'dataset-version-not-found', 'Dataset version not found', `There is no dataset version ${id} in project ${projectId}. The registry lists the versions of a dataset.`);
  return found;
}

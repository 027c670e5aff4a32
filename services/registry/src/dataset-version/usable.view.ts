import type { Sql } from '@vitae/event-store';
import { holdAncestry } from './ancestry.view.ts';
import { datasetVersionNotFound } from './dataset-version.ts';
import type { DatasetVersions, DatasetVersionRow } from './dataset-versions.view.ts';
import { datasetQuarantined, datasetVersionErased } from './refusals.ts';

/**
 * Holds a dataset version, and everything that it was made of, as it is until the transaction ends: whoever wants to put it into
 * quarantine or to erase it waits. Take it before any lock on bytes.
 * @param what what cannot be done otherwise, as in "no model version can be built on it".
 * @throws Refused DATASET_VERSION_NOT_FOUND, DATASET_VERSION_ERASED, DATASET_QUARANTINED.
 */
export async function holdUsable(sql: Sql, projectId: string, id: string, what: string): Promise<void> {
  const held = await holdAncestry(sql, projectId, id);
  const self = held.find(({ datasetVersionId }) => datasetVersionId === id);
  if (!self) throw datasetVersionNotFound(id);
  if (self.erased) throw datasetVersionErased(self);
  const through = self.quarantined ? self : held.find(({ quarantined }) => quarantined);
  if (through) throw datasetQuarantined(self, through, what);
}

/**
 * The same without holding it, for what only looks: the version, when something may be built on it now.
 * @throws Refused DATASET_VERSION_NOT_FOUND, DATASET_VERSION_ERASED, DATASET_QUARANTINED.
 */
export async function mustBeUsable(datasets: DatasetVersions, projectId: string, id: string, what: string): Promise<DatasetVersionRow> {
  const row = await datasets.byId(projectId, id);
  if (!row) throw datasetVersionNotFound(id);
  const named = { datasetVersionId: row.id, datasetName: row.datasetName, version: row.version };
  if (row.erasure) throw datasetVersionErased(named);
  const quarantined = await datasets.quarantinedSources(projectId, id);
  const through = quarantined.find(({ datasetVersionId }) => datasetVersionId === id) ?? quarantined[0];
  if (through) throw datasetQuarantined(named, through, what);
  return row;
}

import { defineEntity, EntityManager, p, type InferEntity } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { ColumnKind, PiiClass, type ColumnProfile, type DatasetVersionRegistered } from '@vitae/contracts';
import type { RecordedEvent } from '@vitae/event-store';
import type { ViewTransaction } from '@vitae/service-kit';
import { countVersion, scopeOfDataset } from '../version-counter.view.ts';
import type { ColumnContent, PiiClassName } from './dataset-version.ts';

export interface ColumnRow extends ColumnContent {
  readonly piiClass: PiiClassName;
}

export const DatasetVersionRow = defineEntity({
  name: 'DatasetVersionRow',
  tableName: 'dataset_version',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text(),
    datasetName: p.text(),
    version: p.integer(),
    stream: p.text(),
    revision: p.integer(),
    digest: p.text(),
    sizeBytes: p.bigint('number'),
    mediaType: p.text().$type<'text/csv' | 'application/vnd.apache.parquet'>(),
    rowCount: p.bigint('number'),
    columns: p.json<readonly ColumnRow[]>(),
    splits: p.json<readonly { readonly name: string; readonly rowCount: number }[]>(),
    splitColumn: p.text(),
    labelColumn: p.text(),
    protectedColumns: p.json<readonly string[]>(),
    piiClass: p.text().$type<PiiClassName>(),
    lawfulBasis: p.text(),
    allowedPurposes: p.json<readonly string[]>(),
    residency: p.text(),
    retentionUntil: p.text(),
    source: p.text(),
    licence: p.text(),
    registeredAt: p.datetime(),
    registeredBy: p.text(),
  },
});
export type DatasetVersionRow = InferEntity<typeof DatasetVersionRow>;

const PII_NAMES: Readonly<Record<PiiClass, PiiClassName>> = {
  [PiiClass.UNSPECIFIED]: 'none',
  [PiiClass.NONE]: 'none',
  [PiiClass.PERSONAL]: 'personal',
  [PiiClass.SPECIAL]: 'special',
};

/** One dataset version is one event, so its row is written once and never changes. */
export async function projectDatasetVersion({ em, sql }: ViewTransaction, events: readonly RecordedEvent<DatasetVersionRegistered>[]): Promise<void> {
  for (const { event, projectId, stream, revision, recordedAt, actor } of events) {
    const { $typeName: _, $unknown: __, datasetVersionId, sizeBytes, rowCount, columns, splits, piiClass, mediaType, ...same } = event;
    await em.upsert(
      DatasetVersionRow,
      {
        ...same,
        id: datasetVersionId,
        projectId,
        stream,
        revision,
        sizeBytes: Number(sizeBytes),
        mediaType: mediaType as DatasetVersionRow['mediaType'],
        rowCount: Number(rowCount),
        columns: columns.map(columnRow),
        splits: splits.map((split) => ({ name: split.name, rowCount: Number(split.rowCount) })),
        piiClass: PII_NAMES[piiClass],
        registeredAt: new Date(recordedAt),
        registeredBy: actor.id,
      },
      { onConflictFields: ['id'], onConflictAction: 'ignore' },
    );
    await countVersion(sql, scopeOfDataset(projectId, event.datasetName), event.version);
  }
}

function columnRow({ $typeName: _, $unknown: __, kind, nullCount, distinctCount, topValues, piiClass, ...same }: ColumnProfile): ColumnRow {
  return {
    ...same,
    kind: kind === ColumnKind.NUMERIC ? 'numeric' : 'categorical',
    nullCount: Number(nullCount),
    distinctCount: Number(distinctCount),
    topValues: topValues.map(({ value, count }) => ({ value, count: Number(count) })),
    piiClass: PII_NAMES[piiClass],
  };
}

/** Questions about dataset versions, each within one project. */
@Injectable()
export class DatasetVersions {
  constructor(private readonly em: EntityManager) {}

  byId(projectId: string, id: string): Promise<DatasetVersionRow | null> {
    return this.em.fork().findOne(DatasetVersionRow, { projectId, id });
  }

  byNumber(projectId: string, datasetName: string, version: number): Promise<DatasetVersionRow | null> {
    return this.em.fork().findOne(DatasetVersionRow, { projectId, datasetName, version });
  }

  byDigest(projectId: string, datasetName: string, digest: string): Promise<DatasetVersionRow | null> {
    return this.em.fork().findOne(DatasetVersionRow, { projectId, datasetName, digest });
  }
}

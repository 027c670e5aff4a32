import { defineEntity, EntityManager, p, type InferEntity } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { VersionsCompared } from '@vitae/contracts';
import type { RecordedEvent } from '@vitae/event-store';
import type { PageQuery, ViewTransaction } from '@vitae/service-kit';
import type { PairedDifference } from '../evaluation/compare.ts';
import { plain } from '../evaluation/suite-result.ts';
import type { ComparedVersion } from './version-comparison.ts';

export const VersionComparisonRow = defineEntity({
  name: 'VersionComparisonRow',
  tableName: 'version_comparison',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text(),
    modelId: p.uuid(),
    stream: p.text(),
    revision: p.integer(),
    datasetVersionId: p.uuid(),
    datasetDigest: p.text(),
    split: p.text(),
    rowCount: p.bigint('number'),
    task: p.text(),
    versions: p.json<readonly ComparedVersion[]>(),
    resamples: p.integer(),
    seed: p.bigint('number'),
    recordedAt: p.datetime(),
    recordedBy: p.text(),
  },
});
export type VersionComparisonRow = InferEntity<typeof VersionComparisonRow>;

/** One comparison is one event, so its row is written once and never changes. */
export async function projectVersionComparison({ em }: ViewTransaction, events: readonly RecordedEvent<VersionsCompared>[]): Promise<void> {
  for (const { event, projectId, stream, revision, recordedAt, actor } of events) {
    const { $typeName: _, $unknown: __, comparisonId, rowCount, seed, versions, ...same } = event;
    const row = {
      ...same,
      id: comparisonId,
      projectId,
      stream,
      revision,
      rowCount: Number(rowCount),
      seed: Number(seed),
      versions: versions.map(({ modelVersionId, version, artefactDigest, metrics, differences }) => ({
        ...{ modelVersionId, version, artefactDigest },
        metrics: metrics.map(plain),
        differences: differences.map(({ metric, value, lower, upper, pValue, adjustedPValue, method }) => ({ metric, value, lower, upper, pValue, adjustedPValue, method: method as PairedDifference['method'] })),
      })),
      recordedAt: new Date(recordedAt),
      recordedBy: actor.id,
    };
    await em.upsert(VersionComparisonRow, row, { onConflictFields: ['id'], onConflictAction: 'ignore' });
  }
}

/** Questions about comparisons, each within one project. */
@Injectable()
export class VersionComparisons {
  constructor(private readonly em: EntityManager) {}

  byId(projectId: string, id: string): Promise<VersionComparisonRow | null> {
    return this.em.fork().findOne(VersionComparisonRow, { projectId, id });
  }

  /** One more than the page holds, so that the caller knows whether there is a next one. */
  page(projectId: string, modelId: string, { limit, after }: PageQuery): Promise<VersionComparisonRow[]> {
    return this.em.fork().find(VersionComparisonRow, { projectId, modelId, ...(after ? { id: { $gt: after } } : {}) }, { orderBy: { id: 'asc' }, limit: limit + 1 });
  }
}

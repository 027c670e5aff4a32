import { defineEntity, EntityManager, p, type InferEntity } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { EvaluationRecorded } from '@vitae/contracts';
import type { RecordedEvent } from '@vitae/event-store';
import type { PageQuery, ViewTransaction } from '@vitae/service-kit';
import type { Measured, MeasuredGroup } from './measure.ts';

export interface ComparisonRow {
  readonly modelVersionId: string;
  readonly version: number;
  readonly differences: readonly { readonly name: string; readonly value: number }[];
}

export const EvaluationRow = defineEntity({
  name: 'EvaluationRow',
  tableName: 'evaluation',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text(),
    stream: p.text(),
    revision: p.integer(),
    modelVersionId: p.uuid(),
    modelId: p.uuid(),
    version: p.integer(),
    artefactDigest: p.text(),
    datasetVersionId: p.uuid(),
    datasetDigest: p.text(),
    split: p.text(),
    rowCount: p.bigint('number'),
    metrics: p.json<readonly Measured[]>(),
    groups: p.json<readonly MeasuredGroup[]>(),
    comparison: p.json<ComparisonRow>().nullable(),
    recordedAt: p.datetime(),
    recordedBy: p.text(),
  },
});
export type EvaluationRow = InferEntity<typeof EvaluationRow>;

export async function projectEvaluation({ em }: ViewTransaction, events: readonly RecordedEvent<EvaluationRecorded>[]): Promise<void> {
  for (const { event, projectId, stream, revision, recordedAt, actor } of events) {
    const { $typeName: _, $unknown: __, evaluationId, rowCount, metrics, groups, comparison, ...same } = event;
    await em.upsert(
      EvaluationRow,
      {
        ...same,
        id: evaluationId,
        projectId,
        stream,
        revision,
        rowCount: Number(rowCount),
        metrics: metrics.map(measured),
        groups: groups.map((group) => ({
          attribute: group.attribute,
          group: group.group,
          rowCount: Number(group.rowCount),
          positiveCount: Number(group.positiveCount),
          metrics: group.metrics.map(measured),
        })),
        comparison: comparison
          ? {
              modelVersionId: comparison.modelVersionId,
              version: comparison.version,
              differences: comparison.differences.map(({ name, value }) => ({ name, value })),
            }
          : null,
        recordedAt: new Date(recordedAt),
        recordedBy: actor.id,
      },
      { onConflictFields: ['id'], onConflictAction: 'ignore' },
    );
  }
}

const measured = ({ name, value, lower, upper }: Measured): Measured => ({
  name,
  value,
  ...(lower === undefined ? {} : { lower }),
  ...(upper === undefined ? {} : { upper }),
});

/** Questions about evaluations, each within one project. */
@Injectable()
export class Evaluations {
  constructor(private readonly em: EntityManager) {}

  byId(projectId: string, id: string): Promise<EvaluationRow | null> {
    return this.em.fork().findOne(EvaluationRow, { projectId, id });
  }

  /** One more than the page holds, so that the caller knows whether there is a next one. */
  page(projectId: string, modelVersionId: string, { limit, after }: PageQuery): Promise<EvaluationRow[]> {
    return this.em.fork().find(EvaluationRow, { projectId, modelVersionId, ...(after ? { id: { $gt: after } } : {}) }, { orderBy: { id: 'asc' }, limit: limit + 1 });
  }
}

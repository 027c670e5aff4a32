import { defineEntity, EntityManager, p, type InferEntity } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Comparison, EvaluationRecorded, EvaluationReported, GroupResult, SliceResult } from '@vitae/contracts';
import type { RecordedEvent } from '@vitae/event-store';
import type { PageQuery, ViewTransaction } from '@vitae/service-kit';
import type { PairedDifference } from './compare.ts';
import type { EvaluationEvent, InvalidationCause } from './evaluation.ts';
import type { Measured, MeasuredGroup, MeasuredSlice, Task } from './measured.ts';
import type { Report } from './report.ts';
import { plain, suiteResultFrom, type JudgedBySuite } from './suite-result.ts';

export interface ComparisonRow {
  readonly modelVersionId: string;
  readonly version: number;
  readonly differences: readonly { readonly name: string; readonly value: number }[];
  readonly paired: readonly PairedDifference[];
}

/** Who reported what, and how it came about. */
export interface ReportRow extends Pick<Report, 'executedBy' | 'tool' | 'executedAt' | 'rubricScores' | 'notes'> {
  readonly externalDataset: { readonly uri: string; readonly digest: string; readonly name: string } | null;
  readonly judge: { readonly model: string; readonly rubric: string; readonly scale: { readonly from: number; readonly to: number } } | null;
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
    /** measured: Vitae ran the model. reported: somebody says so. */
    source: p.text().$type<'measured' | 'reported'>(),
    task: p.text().$type<Task | ''>(),
    /** Null for a report on data that are not registered here. */
    datasetVersionId: p.uuid().nullable(),
    datasetDigest: p.text(),
    split: p.text(),
    rowCount: p.bigint('number'),
    metrics: p.json<readonly Measured[]>(),
    groups: p.json<readonly MeasuredGroup[]>(),
    slices: p.json<readonly MeasuredSlice[]>(),
    comparison: p.json<ComparisonRow>().nullable(),
    suite: p.json<JudgedBySuite>().nullable(),
    report: p.json<ReportRow>().nullable(),
    recordedAt: p.datetime(),
    recordedBy: p.text(),
    invalidatedAt: p.datetime().nullable(),
    invalidatedBy: p.text().nullable(),
    invalidationCause: p.text().$type<InvalidationCause>().nullable(),
    invalidatedBecause: p.text().nullable(),
  },
});
export type EvaluationRow = InferEntity<typeof EvaluationRow>;

export async function projectEvaluation({ em }: ViewTransaction, events: readonly RecordedEvent<EvaluationEvent>[]): Promise<void> {
  for (const { event, projectId, stream, revision, recordedAt, actor } of events) {
    const at = new Date(recordedAt);
    if (event.$typeName === 'vitae.registry.v1.EvaluationInvalidated') {
      await em.nativeUpdate(EvaluationRow, { id: event.evaluationId, revision: { $lt: revision } }, { revision, invalidatedAt: at, invalidatedBy: actor.id, invalidationCause: event.cause as InvalidationCause, invalidatedBecause: event.reason });
      continue;
    }
    const own = event.$typeName === 'vitae.registry.v1.EvaluationRecorded' ? recordedRow(event) : reportedRow(event);
    await em.upsert(
      EvaluationRow,
      { ...sharedRow(event), ...own, projectId, stream, revision, recordedAt: at, recordedBy: actor.id, invalidatedAt: null, invalidatedBy: null, invalidationCause: null, invalidatedBecause: null },
      { onConflictFields: ['id'], onConflictAction: 'ignore' },
    );
  }
}

const sharedRow = ({ evaluationId, modelVersionId, modelId, version, artefactDigest, datasetDigest, split, rowCount, metrics, groups, slices, suite }: EvaluationRecorded | EvaluationReported) => ({
  ...{ id: evaluationId, modelVersionId, modelId, version, artefactDigest, datasetDigest, split },
  rowCount: Number(rowCount),
  metrics: metrics.map(plain),
  groups: groups.map(groupRow),
  slices: slices.map(sliceRow),
  suite: suite ? suiteResultFrom(suite) : null,
});

const recordedRow = ({ datasetVersionId, task, comparison }: EvaluationRecorded) => ({
  source: 'measured' as const,
  datasetVersionId,
  task: (task || 'binary-classification') as Task,
  comparison: comparison ? comparisonRow(comparison) : null,
  report: null,
});

function reportedRow({ datasetVersionId, task, executedBy, tool, executedAt, externalDataset, rubricScores, judge, notes }: EvaluationReported) {
  return {
    source: 'reported' as const,
    datasetVersionId: datasetVersionId || null,
    task: task as Task | '',
    comparison: null,
    report: {
      executedBy,
      tool: { name: tool?.name ?? '', version: tool?.version ?? '', url: tool?.url ?? '' },
      executedAt,
      externalDataset: externalDataset ? { uri: externalDataset.uri, digest: externalDataset.digest, name: externalDataset.name } : null,
      rubricScores: rubricScores.map(({ criterion, n, mean, standardDeviation }) => ({ criterion, n: Number(n), mean, standardDeviation })),
      judge: judge ? { model: judge.model, rubric: judge.rubric, scale: { from: judge.scaleFrom, to: judge.scaleTo } } : null,
      notes,
    },
  };
}

const groupRow = ({ attribute, group, rowCount, positiveCount, metrics }: GroupResult): MeasuredGroup => ({ attribute, group, rowCount: Number(rowCount), positiveCount: Number(positiveCount), metrics: metrics.map(plain) });
const sliceRow = ({ slice, rowCount, metrics }: SliceResult): MeasuredSlice => ({ slice, rowCount: Number(rowCount), metrics: metrics.map(plain) });

const comparisonRow = ({ modelVersionId, version, differences, paired }: Comparison): ComparisonRow => ({
  modelVersionId,
  version,
  differences: differences.map(({ name, value }) => ({ name, value })),
  paired: paired.map(({ metric, value, lower, upper, pValue, adjustedPValue, method }) => ({ metric, value, lower, upper, pValue, adjustedPValue, method: method as PairedDifference['method'] })),
});

/** Questions about evaluations, each within one project. */
@Injectable()
export class Evaluations {
  constructor(private readonly em: EntityManager) {}

  byId(projectId: string, id: string): Promise<EvaluationRow | null> {
    return this.em.fork().findOne(EvaluationRow, { projectId, id });
  }

  /** One more than the page holds, so that the caller knows whether there is a next one. */
  page(projectId: string, modelVersionId: string, { limit, after, source, invalidated }: PageQuery & { readonly source?: EvaluationRow['source'] | undefined; readonly invalidated: 'show' | 'hide' }): Promise<EvaluationRow[]> {
    const wanted = { ...(after ? { id: { $gt: after } } : {}), ...(source ? { source } : {}), ...(invalidated === 'hide' ? { invalidatedAt: null } : {}) };
    return this.em.fork().find(EvaluationRow, { projectId, modelVersionId, ...wanted }, { orderBy: { id: 'asc' }, limit: limit + 1 });
  }
}

import { defineEntity, EntityManager, p, type InferEntity } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { RecordedEvent } from '@vitae/event-store';
import type { PageQuery, ViewTransaction } from '@vitae/service-kit';
import { evaluationSuiteNotFound, evaluationSuiteNotPublished, type EvaluationSuiteEvent, type SuiteStage } from './evaluation-suite.ts';
import { suiteContentFrom, type SuiteContent } from './suite-content.ts';

export const EvaluationSuiteRow = defineEntity({
  name: 'EvaluationSuiteRow',
  tableName: 'evaluation_suite',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text(),
    name: p.text(),
    stream: p.text(),
    revision: p.integer(),
    stage: p.text().$type<SuiteStage>(),
    /** The newest revision, and the newest that is published; 0 while there is none. */
    number: p.integer(),
    published: p.integer(),
    updatedAt: p.datetime(),
  },
});
export type EvaluationSuiteRow = InferEntity<typeof EvaluationSuiteRow>;

export const EvaluationSuiteRevisionRow = defineEntity({
  name: 'EvaluationSuiteRevisionRow',
  tableName: 'evaluation_suite_revision',
  properties: {
    suiteId: p.uuid().primary(),
    number: p.integer().primary(),
    projectId: p.text(),
    content: p.json<SuiteContent>(),
    writtenBy: p.text(),
    writtenAt: p.datetime(),
    publishedBy: p.text().nullable(),
    publishedAt: p.datetime().nullable(),
  },
});
export type EvaluationSuiteRevisionRow = InferEntity<typeof EvaluationSuiteRevisionRow>;

export async function projectEvaluationSuite({ em }: ViewTransaction, events: readonly RecordedEvent<EvaluationSuiteEvent>[]): Promise<void> {
  for (const { event, projectId, stream, revision, recordedAt, actor } of events) {
    const { suiteId, name, number } = event;
    const at = new Date(recordedAt);
    const before = await em.findOne(EvaluationSuiteRow, { id: suiteId });
    if (before && before.revision >= revision) continue;
    const published = event.$typeName === 'vitae.registry.v1.EvaluationSuitePublished';
    await em.upsert(EvaluationSuiteRow, { id: suiteId, projectId, name, stream, revision, stage: published ? 'published' : 'draft', number, published: published ? number : (before?.published ?? 0), updatedAt: at });
    if (published) await em.nativeUpdate(EvaluationSuiteRevisionRow, { suiteId, number }, { publishedBy: actor.id, publishedAt: at });
    else await em.upsert(EvaluationSuiteRevisionRow, { suiteId, number, projectId, content: suiteContentFrom(event.content), writtenBy: actor.id, writtenAt: at, publishedBy: null, publishedAt: null });
    await em.flush();
  }
}

export interface EvaluationSuiteShown extends EvaluationSuiteRow {
  readonly content: SuiteContent;
}

/** Questions about suites, each within one project. */
@Injectable()
export class EvaluationSuites {
  constructor(private readonly em: EntityManager) {}

  /** With its newest revision. @throws Refused EVALUATION_SUITE_NOT_FOUND. */
  async byId(projectId: string, id: string): Promise<EvaluationSuiteShown> {
    const em = this.em.fork();
    const row = await em.findOne(EvaluationSuiteRow, { projectId, id });
    const newest = row && (await em.findOne(EvaluationSuiteRevisionRow, { suiteId: id, number: row.number }));
    if (!newest) throw evaluationSuiteNotFound(`evaluation suite ${id}`);
    return { ...row, content: newest.content };
  }

  /**
   * A revision that can be run; without a number the newest.
   * @throws Refused EVALUATION_SUITE_NOT_FOUND, EVALUATION_SUITE_NOT_PUBLISHED.
   */
  async published(projectId: string, id: string, number?: number): Promise<{ readonly suiteId: string; readonly name: string; readonly number: number; readonly content: SuiteContent }> {
    const { name, published } = await this.byId(projectId, id);
    const wanted = number ?? published;
    if (wanted === 0) throw evaluationSuiteNotPublished(name);
    const revision = await this.revision(projectId, id, wanted);
    if (!revision.publishedAt) throw evaluationSuiteNotPublished(name, wanted);
    return { suiteId: id, name, number: wanted, content: revision.content };
  }

  /** @throws Refused EVALUATION_SUITE_NOT_FOUND. */
  async revision(projectId: string, suiteId: string, number: number): Promise<EvaluationSuiteRevisionRow> {
    const row = await this.em.fork().findOne(EvaluationSuiteRevisionRow, { projectId, suiteId, number });
    if (!row) throw evaluationSuiteNotFound(`revision ${number} of the evaluation suite ${suiteId}`);
    return row;
  }

  /** One more than the page holds, so that the caller knows whether there is a next one. */
  page(projectId: string, { limit, after }: PageQuery): Promise<EvaluationSuiteRow[]> {
    return this.em.fork().find(EvaluationSuiteRow, { projectId, ...(after ? { id: { $gt: after } } : {}) }, { orderBy: { id: 'asc' }, limit: limit + 1 });
  }
}

import type { Sql } from '@vitae/event-store';
import { Problem } from '@vitae/service-kit';
import type { AsOf } from './as-of.view.ts';
import { readEvents } from './event-search.view.ts';
import { deedOf, indexOf, type Deed, type HistoryItem } from './history-item.ts';
import { STAGES, stageOf, type Stage } from './life-stage.ts';
import { UNBORN, withModelEvent, type ModelState } from './model-state.ts';

/** A model's whole life as of a point. */
export interface ModelLife {
  readonly modelId: string;
  readonly asOf: AsOf;
  readonly state: ModelState;
  /** In the order of life; those that nothing happened in are there, too. */
  readonly stages: readonly StageOfLife[];
}

export interface StageOfLife {
  readonly stage: Stage;
  readonly count: number;
  readonly first?: Deed;
  readonly last?: Deed;
  /** The latest, in order, at most 200; `GET events?subject=model:<id>` has all. */
  readonly events: readonly Deed[];
}

const SHOWN = 200;
const PAGE = 1_000;

/**
 * Everything that concerns the model, and the use case and the data versions that its events name: they were there before
 * the model was and so do not name it. Read page by page, so that only what is told is held.
 * @throws Problem 404 `model-not-found` when the project had no such model then.
 */
export async function lifeAsOf(sql: Sql, projectId: string, modelId: string, asOf: AsOf): Promise<ModelLife> {
  const stages = new Map(STAGES.map((stage) => [stage, { count: 0, events: [] as Deed[], first: undefined as Deed | undefined }]));
  const roots = new Set<string>();
  let state = UNBORN;
  let events = 0;
  const tell = (item: HistoryItem): void => {
    const stage = stages.get(stageOf(item.envelope.type) as Stage);
    if (!stage) return;
    const deed = deedOf(item);
    stage.count += 1;
    stage.first ??= deed;
    stage.events.push(deed);
    if (stage.events.length > SHOWN) stage.events.shift();
  };
  for await (const item of everyEvent(sql, { projectId, subject: `model:${modelId}` }, asOf.index)) {
    events += 1;
    for (const root of rootsOf(item)) roots.add(root);
    state = withModelEvent(state, item);
    tell(item);
  }
  if (events === 0) {
    throw new Problem(404, 'model-not-found', 'Model not found', `Project ${projectId} had no model ${modelId} as of index ${asOf.index}. Ask as of a later point, or correct the id.`);
  }
  const earlier: HistoryItem[] = [];
  for (const stream of roots) for await (const item of everyEvent(sql, { projectId, stream }, asOf.index)) earlier.push(item);
  for (const item of earlier.sort((a, b) => indexOf(a) - indexOf(b))) {
    state = withModelEvent(state, item); // the model's own events say nothing of the use case's state, so their order among these is free
    tell(item);
  }
  return {
    modelId,
    asOf,
    state,
    stages: [...stages].map(([stage, { count, first, events: told }]) => ({ stage, count, ...(first ? { first } : {}), ...(told.at(-1) ? { last: told.at(-1) as Deed } : {}), events: told })),
  };
}

/** The streams that a model comes from. */
export function rootsOf({ envelope, payload }: HistoryItem): string[] {
  switch (envelope.type) {
    case 'vitae.registry.v1.ModelRegistered':
    case 'vitae.registry.v1.ModelPurposeStated':
      return payload['useCaseId'] === undefined ? [] : [`governance.UseCase-${String(payload['useCaseId'])}`];
    case 'vitae.registry.v1.ModelVersionRegistered':
      return [`governance.UseCase-${String(payload['useCaseId'])}`, `registry.DatasetVersion-${String(payload['datasetVersionId'])}`];
    case 'vitae.registry.v1.EvaluationReported':
      return payload['datasetVersionId'] === undefined ? [] : [`registry.DatasetVersion-${String(payload['datasetVersionId'])}`];
    case 'vitae.registry.v1.VersionsCompared':
    case 'vitae.registry.v1.EvaluationRecorded':
      return [`registry.DatasetVersion-${String(payload['datasetVersionId'])}`];
    default:
      return [];
  }
}

async function* everyEvent(sql: Sql, filter: Parameters<typeof readEvents>[1], to: number): AsyncGenerator<HistoryItem> {
  for (let from = 0; ; ) {
    const page = await readEvents(sql, filter, { from, to, order: 'asc', limit: PAGE });
    yield* page;
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    from = indexOf(last) + 1;
  }
}

import type { CommandOptions } from './connection.ts';
import type { Datasets } from './datasets.ts';
import type { paths } from './gen/registry.ts';
import { everyItem, type Page } from './pages.ts';
import { saying, type Project } from './project.ts';
import { answered, type AnswerOf, type BodyOf } from './routes.ts';

export type Evaluation = AnswerOf<paths['/v1/projects/{projectId}/evaluations/{id}']['get']>;
export type Comparison = AnswerOf<paths['/v1/projects/{projectId}/comparisons/{id}']['get']>;
export type InvalidationCause = BodyOf<paths['/v1/projects/{projectId}/evaluations/{id}/invalidation']['post']>['cause'];

/** On which rows. */
export interface OnRows {
  /** Id or `name/number`. */
  readonly dataset?: string | undefined;
  /** All rows without. */
  readonly split?: string | undefined;
}

export interface NewEvaluation extends OnRows {
  /** The id of an evaluation suite, in place of rows or beside them. */
  readonly suite?: string | undefined;
  /** A second version, on the same rows. */
  readonly compareWith?: string | undefined;
}

export type Evaluations = ReturnType<typeof evaluationsOf>;

export function evaluationsOf(project: Project, datasets: Datasets) {
  const { registry } = project.routes;
  const inProject = { projectId: project.id };
  const get = (id: string): Promise<Evaluation> => answered(registry.GET('/v1/projects/{projectId}/evaluations/{id}', { params: { path: { ...inProject, id } } }));
  const pageOf = (id: string, query: { limit?: number; after?: string }): Promise<Page<Evaluation>> => answered(registry.GET('/v1/projects/{projectId}/model-versions/{id}/evaluations', { params: { path: { ...inProject, id }, query } }));

  return {
    get,
    page: async (version: string, query: { limit?: number; after?: string } = {}): Promise<Page<Evaluation>> => pageOf(await project.versionId(version), query),
    /** Every evaluation of a version, oldest first. */
    async *list(version: string, query: { limit?: number } = {}): AsyncGenerator<Evaluation, void, void> {
      const id = await project.versionId(version);
      yield* everyItem((after) => pageOf(id, after === undefined ? query : { ...query, after }));
    },
    /** The registry runs the model on the rows, and answers when it has measured it. */
    async run(version: string, { dataset, split, suite, compareWith }: NewEvaluation, options?: CommandOptions): Promise<Evaluation> {
      const [id, datasetVersionId, other] = await Promise.all([project.versionId(version), dataset === undefined ? undefined : datasets.versionId(dataset), compareWith === undefined ? undefined : project.versionId(compareWith)]);
      const body = {
        ...(datasetVersionId === undefined ? {} : { datasetVersionId }),
        ...(split === undefined ? {} : { split }),
        ...(suite === undefined ? {} : { suiteId: suite }),
        ...(other === undefined ? {} : { compareWith: other }),
      };
      const made = await answered(registry.POST('/v1/projects/{projectId}/model-versions/{id}/evaluations', { params: { path: { ...inProject, id } }, body, ...saying(options) }));
      return get(made.id);
    },
    /** The first version is what the others are held against, on the same rows. */
    async compare(versions: readonly string[], { dataset, split }: OnRows & { readonly dataset: string }, options?: CommandOptions): Promise<Comparison> {
      const [datasetVersionId, ...modelVersionIds] = await Promise.all([datasets.versionId(dataset), ...versions.map((version) => project.versionId(version))]);
      const made = await answered(registry.POST('/v1/projects/{projectId}/comparisons', { params: { path: inProject }, body: { modelVersionIds, datasetVersionId, ...(split === undefined ? {} : { split }) }, ...saying(options) }));
      return answered(registry.GET('/v1/projects/{projectId}/comparisons/{id}', { params: { path: { ...inProject, id: made.id } } }));
    },
    /** It stays in the history, and is evidence no more. */
    invalidate: (id: string, cause: InvalidationCause, reason: string, options?: CommandOptions) =>
      answered(registry.POST('/v1/projects/{projectId}/evaluations/{id}/invalidation', { params: { path: { ...inProject, id } }, body: { cause, reason }, ...saying(options) })),
  };
}

import type { CommandOptions } from './connection.ts';
import type { Datasets } from './datasets.ts';
import type { paths } from './gen/registry.ts';
import { everyItem, type Page } from './pages.ts';
import { saying, type Project } from './project.ts';
import { answered, type AnswerOf } from './routes.ts';

type Route = paths['/v1/projects/{projectId}/model-versions/{id}/evaluations'];
export type Evaluation = AnswerOf<paths['/v1/projects/{projectId}/evaluations/{id}']['get']>;
export type EvaluationRun = AnswerOf<Route['post']>;

export interface NewEvaluation {
  /** Id or `name/number`. */
  readonly dataset: string;
  /** All rows without. */
  readonly split?: string | undefined;
  /** A second version, on the same rows. */
  readonly compareWith?: string | undefined;
}

export type Evaluations = ReturnType<typeof evaluationsOf>;

export function evaluationsOf(project: Project, datasets: Datasets) {
  const { registry } = project.routes;
  const inProject = { projectId: project.id };

  return {
    /** The registry runs the model on the split, and answers when it has measured it. */
    async run(version: string, { dataset, split, compareWith }: NewEvaluation, options?: CommandOptions): Promise<EvaluationRun> {
      const [id, datasetVersionId, other] = await Promise.all([project.versionId(version), datasets.id(dataset), compareWith === undefined ? undefined : project.versionId(compareWith)]);
      const body = { datasetVersionId, ...(split === undefined ? {} : { split }), ...(other === undefined ? {} : { compareWith: other }) };
      return answered(registry.POST('/v1/projects/{projectId}/model-versions/{id}/evaluations', { params: { path: { ...inProject, id } }, body, ...saying(options) }));
    },
    /** Every evaluation of a version, oldest first, page after page. */
    async *list(version: string, { limit }: { readonly limit?: number } = {}): AsyncGenerator<Evaluation, void, void> {
      const id = await project.versionId(version);
      yield* everyItem(
        async (after): Promise<Page<Evaluation>> =>
          answered(registry.GET('/v1/projects/{projectId}/model-versions/{id}/evaluations', { params: { path: { ...inProject, id }, query: { ...(limit === undefined ? {} : { limit }), ...(after === undefined ? {} : { after }) } } })),
      );
    },
    get: (id: string): Promise<Evaluation> => answered(registry.GET('/v1/projects/{projectId}/evaluations/{id}', { params: { path: { ...inProject, id } } })),
  };
}

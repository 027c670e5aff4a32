import type { CommandOptions } from './connection.ts';
import type { paths } from './gen/registry.ts';
import { everyItem, type Page } from './pages.ts';
import { saying, type Model, type Project } from './project.ts';
import { answered, type AnswerOf, type BodyOf, type QueryOf } from './routes.ts';

type Route = paths['/v1/projects/{projectId}/models'];
export type NewModel = BodyOf<Route['post']>;
export type ModelRegistered = AnswerOf<Route['post']>;
/** `filter`, `orderBy`, `limit` (of a page), `deleted`: the registry's README tells the grammar. */
export type ModelSearch = QueryOf<Route['get']>;

/** What a command answers: the stream that it wrote to, and the revision that this one has now. */
export interface Written {
  readonly stream: string;
  readonly revision: number;
}

/** Models are named by id or name. Every command takes `{ reason, ifMatch, idempotencyKey }`. */
export type Models = ReturnType<typeof modelsOf>;

export function modelsOf(project: Project) {
  const { registry } = project.routes;
  const inProject = { projectId: project.id };
  const pathTo = async (model: string, deleted?: 'only') => ({ ...inProject, modelId: await project.modelId(model, deleted) });

  const page = (search: ModelSearch = {}): Promise<Page<Model>> => answered(registry.GET('/v1/projects/{projectId}/models', { params: { path: inProject, query: search } }));
  return {
    page,
    /** Every model that the search finds, page after page. */
    list: (search: Omit<ModelSearch, 'after'> = {}): AsyncGenerator<Model, void, void> => everyItem((after) => page(after === undefined ? search : { ...search, after })),
    get: (model: string): Promise<Model> => project.model(model),
    register: (model: NewModel, options?: CommandOptions): Promise<ModelRegistered> => answered(registry.POST('/v1/projects/{projectId}/models', { params: { path: inProject }, body: model, ...saying(options) })),
    async rename(model: string, name: string, options?: CommandOptions) {
      return answered(registry.PUT('/v1/projects/{projectId}/models/{modelId}/name', { params: { path: await pathTo(model) }, body: { name }, ...saying(options) }));
    },
    async describe(model: string, description: string, options?: CommandOptions) {
      return answered(registry.PUT('/v1/projects/{projectId}/models/{modelId}/description', { params: { path: await pathTo(model) }, body: { description }, ...saying(options) }));
    },
    async tag(model: string, key: string, value: string, options?: CommandOptions) {
      return answered(registry.PUT('/v1/projects/{projectId}/models/{modelId}/tags/{key}', { params: { path: { ...(await pathTo(model)), key } }, body: { value }, ...saying(options) }));
    },
    async removeTag(model: string, key: string, options?: CommandOptions) {
      return answered(registry.DELETE('/v1/projects/{projectId}/models/{modelId}/tags/{key}', { params: { path: { ...(await pathTo(model)), key } }, ...saying(options) }));
    },
    /** Answers with the version that it named before. */
    async assignAlias(model: string, alias: string, version: number, options?: CommandOptions) {
      return answered(registry.PUT('/v1/projects/{projectId}/models/{modelId}/aliases/{alias}', { params: { path: { ...(await pathTo(model)), alias } }, body: { version }, ...saying(options) }));
    },
    async removeAlias(model: string, alias: string, options?: CommandOptions) {
      return answered(registry.DELETE('/v1/projects/{projectId}/models/{modelId}/aliases/{alias}', { params: { path: { ...(await pathTo(model)), alias } }, ...saying(options) }));
    },
    /** From now on only these actors move it. */
    async protectAlias(model: string, alias: string, allowed: readonly string[], options?: CommandOptions) {
      return answered(registry.PUT('/v1/projects/{projectId}/models/{modelId}/aliases/{alias}/protection', { params: { path: { ...(await pathTo(model)), alias } }, body: { allowed: [...allowed] }, ...saying(options) }));
    },
    async liftAliasProtection(model: string, alias: string, options?: CommandOptions) {
      return answered(registry.DELETE('/v1/projects/{projectId}/models/{modelId}/aliases/{alias}/protection', { params: { path: { ...(await pathTo(model)), alias } }, ...saying(options) }));
    },
    async deprecate(model: string, why: { readonly reason: string; readonly successor?: string | undefined }, options?: CommandOptions) {
      const successor = why.successor === undefined ? {} : { successorModelId: await project.modelId(why.successor) };
      return answered(registry.PUT('/v1/projects/{projectId}/models/{modelId}/deprecation', { params: { path: await pathTo(model) }, body: { reason: why.reason, ...successor }, ...saying(options) }));
    },
    async liftDeprecation(model: string, options?: CommandOptions) {
      return answered(registry.DELETE('/v1/projects/{projectId}/models/{modelId}/deprecation', { params: { path: await pathTo(model) }, ...saying(options) }));
    },
    /** Hides it; nothing is lost. */
    async delete(model: string, options?: CommandOptions) {
      return answered(registry.DELETE('/v1/projects/{projectId}/models/{modelId}', { params: { path: await pathTo(model) }, ...saying(options) }));
    },
    async restore(model: string, options?: CommandOptions) {
      return answered(registry.POST('/v1/projects/{projectId}/models/{modelId}/restoration', { params: { path: await pathTo(model, 'only') }, ...saying(options) }));
    },
  };
}

import type { CommandOptions } from './connection.ts';
import type { paths } from './gen/registry.ts';
import { everyItem, type Page } from './pages.ts';
import { saying, type ModelVersion, type Project } from './project.ts';
import { answered, type AnswerOf, type BodyOf, type QueryOf } from './routes.ts';

type Route = paths['/v1/projects/{projectId}/models/{modelId}/versions'];
export type NewModelVersion = BodyOf<Route['post']>;
export type ModelVersionRegistered = AnswerOf<Route['post']>;
export type ModelVersionSearch = QueryOf<Route['get']>;
export type ModelCard = AnswerOf<paths['/v1/projects/{projectId}/model-versions/{id}/card']['get']>;
export type VersionSignature = AnswerOf<paths['/v1/projects/{projectId}/model-versions/{modelVersionId}/signature']['get']>;
export type BomFormat = 'cyclonedx' | 'spdx';

/** Versions are named by id, `model/number`, `model@alias`, or a model's name for its newest. */
export type Versions = ReturnType<typeof versionsOf>;

export function versionsOf(project: Project) {
  const { registry } = project.routes;
  const inProject = { projectId: project.id };
  const pathTo = async (version: string, deleted?: 'show') => ({ ...inProject, id: await project.versionId(version, deleted) });

  async function page({ model, ...query }: ModelVersionSearch & { readonly model?: string | undefined } = {}): Promise<Page<ModelVersion>> {
    if (model === undefined) return answered(registry.GET('/v1/projects/{projectId}/model-versions', { params: { path: inProject, query } }));
    return answered(registry.GET('/v1/projects/{projectId}/models/{modelId}/versions', { params: { path: { ...inProject, modelId: await project.modelId(model) }, query } }));
  }

  return {
    page,
    /** Every version that the search finds, of one model or of all, page after page. */
    list: (search: Omit<ModelVersionSearch, 'after'> & { readonly model?: string | undefined } = {}): AsyncGenerator<ModelVersion, void, void> =>
      everyItem((after) => page(after === undefined ? search : { ...search, after })),
    get: (version: string, deleted?: 'hide' | 'show'): Promise<ModelVersion> => project.version(version, deleted),
    /** Its files MUST have been uploaded; they are named by their digests. */
    async register(model: string, version: NewModelVersion, options?: CommandOptions): Promise<ModelVersionRegistered> {
      return answered(registry.POST('/v1/projects/{projectId}/models/{modelId}/versions', { params: { path: { ...inProject, modelId: await project.modelId(model) } }, body: version, ...saying(options) }));
    },
    async describe(version: string, description: string, options?: CommandOptions) {
      return answered(registry.PUT('/v1/projects/{projectId}/model-versions/{id}/description', { params: { path: await pathTo(version) }, body: { description }, ...saying(options) }));
    },
    async tag(version: string, key: string, value: string, options?: CommandOptions) {
      return answered(registry.PUT('/v1/projects/{projectId}/model-versions/{id}/tags/{key}', { params: { path: { ...(await pathTo(version)), key } }, body: { value }, ...saying(options) }));
    },
    async removeTag(version: string, key: string, options?: CommandOptions) {
      return answered(registry.DELETE('/v1/projects/{projectId}/model-versions/{id}/tags/{key}', { params: { path: { ...(await pathTo(version)), key } }, ...saying(options) }));
    },
    async deprecate(version: string, why: { readonly reason: string; readonly successor?: string | undefined }, options?: CommandOptions) {
      const successor = why.successor === undefined ? {} : { successorModelVersionId: await project.versionId(why.successor) };
      return answered(registry.PUT('/v1/projects/{projectId}/model-versions/{id}/deprecation', { params: { path: await pathTo(version) }, body: { reason: why.reason, ...successor }, ...saying(options) }));
    },
    async liftDeprecation(version: string, options?: CommandOptions) {
      return answered(registry.DELETE('/v1/projects/{projectId}/model-versions/{id}/deprecation', { params: { path: await pathTo(version) }, ...saying(options) }));
    },
    /** Hides it; nothing is lost. */
    async delete(version: string, options?: CommandOptions) {
      return answered(registry.DELETE('/v1/projects/{projectId}/model-versions/{id}', { params: { path: await pathTo(version) }, ...saying(options) }));
    },
    async restore(version: string, options?: CommandOptions) {
      return answered(registry.POST('/v1/projects/{projectId}/model-versions/{id}/restoration', { params: { path: await pathTo(version, 'show') }, ...saying(options) }));
    },
    /** Its bytes go, for ever, unless something else has the same. Its history stays. */
    async purge(version: string, options?: CommandOptions) {
      return answered(registry.POST('/v1/projects/{projectId}/model-versions/{id}/purge', { params: { path: await pathTo(version, 'show') }, ...saying(options) }));
    },
    async signature(version: string): Promise<VersionSignature> {
      return answered(registry.GET('/v1/projects/{projectId}/model-versions/{modelVersionId}/signature', { params: { path: { ...inProject, modelVersionId: await project.versionId(version) } } }));
    },
    async card(version: string, revision?: 'newest' | 'published'): Promise<ModelCard> {
      return answered(registry.GET('/v1/projects/{projectId}/model-versions/{id}/card', { params: { path: await pathTo(version), query: { revision } } }));
    },
    /** As Hugging Face's README.md; the published revision unless told. */
    async cardText(version: string, revision?: 'newest' | 'published'): Promise<string> {
      return answered(registry.GET('/v1/projects/{projectId}/model-versions/{id}/card.md', { params: { path: await pathTo(version), query: { revision } }, parseAs: 'text' }));
    },
    async draftCard(version: string, options?: CommandOptions) {
      return answered(registry.POST('/v1/projects/{projectId}/model-versions/{id}/card', { params: { path: await pathTo(version) }, ...saying(options) }));
    },
    /** A bill of materials, exactly as it was sent. */
    async bom(version: string, format: BomFormat, formatVersion?: '1.6' | '1.7'): Promise<string> {
      return answered(registry.GET('/v1/projects/{projectId}/model-versions/{id}/bom', { params: { path: await pathTo(version), query: { format, ...(formatVersion ? { version: formatVersion } : {}) } }, parseAs: 'text' }));
    },
  };
}

import type { CommandOptions } from './connection.ts';
import type { paths } from './gen/registry.ts';
import { everyItem, type Page } from './pages.ts';
import { saying, type Project } from './project.ts';
import { parseVersionName } from './reference.ts';
import { answered, type AnswerOf, type BodyOf, type QueryOf } from './routes.ts';

type Route = paths['/v1/projects/{projectId}/datasets/{name}/versions'];
export type NewDatasetVersion = BodyOf<Route['post']>;
export type Dataset = AnswerOf<paths['/v1/projects/{projectId}/datasets/{name}']['get']>;
export type DatasetVersion = AnswerOf<paths['/v1/projects/{projectId}/dataset-versions/{id}']['get']>;
/** As lists show it: without what of its sources is in quarantine. */
export type ListedDatasetVersion = AnswerOf<paths['/v1/projects/{projectId}/dataset-versions']['get']>['items'][number];
export type DatasetSearch = QueryOf<paths['/v1/projects/{projectId}/datasets']['get']>;
export type DatasetVersionSearch = QueryOf<paths['/v1/projects/{projectId}/dataset-versions']['get']>;

/** Datasets are named by name, their versions by id or `name/number`. */
export type Datasets = ReturnType<typeof datasetsOf>;

export function datasetsOf(project: Project) {
  const { registry } = project.routes;
  const inProject = { projectId: project.id };

  const page = (search: DatasetSearch = {}): Promise<Page<Dataset>> => answered(registry.GET('/v1/projects/{projectId}/datasets', { params: { path: inProject, query: search } }));
  const versionsPage = (search: DatasetVersionSearch = {}): Promise<Page<ListedDatasetVersion>> => answered(registry.GET('/v1/projects/{projectId}/dataset-versions', { params: { path: inProject, query: search } }));

  async function version(reference: string): Promise<DatasetVersion> {
    const named = parseVersionName(reference);
    if (named.by === 'id') return answered(registry.GET('/v1/projects/{projectId}/dataset-versions/{id}', { params: { path: { ...inProject, id: named.id } } }));
    if (named.by !== 'number' || named.of.by !== 'name') throw new TypeError(`${reference} names no dataset version. Say its id, or name/number such as applicants/1.`);
    return answered(registry.GET('/v1/projects/{projectId}/datasets/{name}/versions/{version}', { params: { path: { ...inProject, name: named.of.name, version: named.version } } }));
  }
  async function versionId(reference: string): Promise<string> {
    const named = parseVersionName(reference);
    return named.by === 'id' ? named.id : (await version(reference)).id;
  }
  const pathTo = async (reference: string) => ({ ...inProject, id: await versionId(reference) });

  return {
    page,
    list: (search: Omit<DatasetSearch, 'after'> = {}): AsyncGenerator<Dataset, void, void> => everyItem((after) => page(after === undefined ? search : { ...search, after })),
    get: (name: string): Promise<Dataset> => answered(registry.GET('/v1/projects/{projectId}/datasets/{name}', { params: { path: { ...inProject, name } } })),
    versionsPage,
    versions: (search: Omit<DatasetVersionSearch, 'after'> = {}): AsyncGenerator<ListedDatasetVersion, void, void> => everyItem((after) => versionsPage(after === undefined ? search : { ...search, after })),
    version,
    versionId,
    /** Its file MUST have been uploaded; it is named by its digest. The registry reads it whole before it answers. */
    async register(name: string, version: NewDatasetVersion, options?: CommandOptions): Promise<DatasetVersion> {
      const { id } = await answered(registry.POST('/v1/projects/{projectId}/datasets/{name}/versions', { params: { path: { ...inProject, name } }, body: version, ...saying(options) }));
      return answered(registry.GET('/v1/projects/{projectId}/dataset-versions/{id}', { params: { path: { ...inProject, id } } }));
    },
    async describe(name: string, said: { readonly description?: string; readonly owner?: string }, options?: CommandOptions) {
      return answered(registry.PATCH('/v1/projects/{projectId}/datasets/{name}', { params: { path: { ...inProject, name } }, body: said, ...saying(options) }));
    },
    /** Nothing is built on it, or on what was made of it, until that is lifted. */
    async quarantine(version: string, reason: string, options?: CommandOptions) {
      return answered(registry.PUT('/v1/projects/{projectId}/dataset-versions/{id}/quarantine', { params: { path: await pathTo(version) }, body: { reason }, ...saying(options) }));
    },
    async liftQuarantine(version: string, reason: string, options?: CommandOptions) {
      return answered(registry.POST('/v1/projects/{projectId}/dataset-versions/{id}/quarantine/lifting', { params: { path: await pathTo(version) }, body: { reason }, ...saying(options) }));
    },
    /** Croissant metadata, exactly as it was sent. */
    async croissant(version: string): Promise<string> {
      return answered(registry.GET('/v1/projects/{projectId}/dataset-versions/{id}/croissant', { params: { path: await pathTo(version) }, parseAs: 'text' }));
    },
  };
}

import type { CommandOptions } from './connection.ts';
import type { paths } from './gen/registry.ts';
import { saying, type Project } from './project.ts';
import { parseVersionName } from './reference.ts';
import { answered, type AnswerOf, type BodyOf } from './routes.ts';

type Route = paths['/v1/projects/{projectId}/datasets/{name}/versions'];
export type NewDatasetVersion = BodyOf<Route['post']>;
export type DatasetVersionRegistered = AnswerOf<Route['post']>;
export type DatasetVersion = AnswerOf<paths['/v1/projects/{projectId}/dataset-versions/{id}']['get']>;

/** Dataset versions are named by id or `name/number`. */
export type Datasets = ReturnType<typeof datasetsOf>;

export function datasetsOf(project: Project) {
  const { registry } = project.routes;
  const inProject = { projectId: project.id };

  async function get(version: string): Promise<DatasetVersion> {
    const named = parseVersionName(version);
    if (named.by === 'id') return answered(registry.GET('/v1/projects/{projectId}/dataset-versions/{id}', { params: { path: { ...inProject, id: named.id } } }));
    if (named.by !== 'number' || named.of.by !== 'name') throw new TypeError(`${version} names no dataset version. Say its id, or name/number such as applicants/1.`);
    return answered(registry.GET('/v1/projects/{projectId}/datasets/{name}/versions/{version}', { params: { path: { ...inProject, name: named.of.name, version: named.version } } }));
  }

  return {
    get,
    async id(version: string): Promise<string> {
      const named = parseVersionName(version);
      return named.by === 'id' ? named.id : (await get(version)).id;
    },
    /** Its file MUST have been uploaded; it is named by its digest. */
    register: (name: string, version: NewDatasetVersion, options?: CommandOptions): Promise<DatasetVersionRegistered> =>
      answered(registry.POST('/v1/projects/{projectId}/datasets/{name}/versions', { params: { path: { ...inProject, name } }, body: version, ...saying(options) })),
    /** Croissant metadata, exactly as it was sent. */
    async croissant(version: string): Promise<string> {
      const { id } = await get(version);
      return answered(registry.GET('/v1/projects/{projectId}/dataset-versions/{id}/croissant', { params: { path: { ...inProject, id } }, parseAs: 'text' }));
    },
  };
}

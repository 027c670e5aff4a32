import { commandHeaders, type CommandOptions, type Connection } from './connection.ts';
import { parseName, parseVersionName, quoted, type Named } from './reference.ts';
import { VitaeProblem } from './problem.ts';
import { answered, routesOver, type AnswerOf, type Routes } from './routes.ts';
import type { paths } from './gen/registry.ts';

export type Model = AnswerOf<paths['/v1/projects/{projectId}/models/{modelId}']['get']>;
export type ModelVersion = AnswerOf<paths['/v1/projects/{projectId}/model-versions/{id}']['get']>;

/** What everything of one project stands on. */
export interface Project {
  readonly id: string;
  readonly connection: Connection;
  readonly routes: Routes;
  /** The model that goes by this id or name. */
  model(reference: string, deleted?: 'hide' | 'only'): Promise<Model>;
  modelId(reference: string, deleted?: 'hide' | 'only'): Promise<string>;
  /** The version that goes by this id, `name/number`, `name@alias`, or a model's name for its newest. */
  version(reference: string, deleted?: 'hide' | 'show'): Promise<ModelVersion>;
  versionId(reference: string, deleted?: 'hide' | 'show'): Promise<string>;
}

export function projectOver(connection: Connection, id: string): Project {
  const routes = routesOver(connection);
  const { registry } = routes;
  const path = { projectId: id };

  async function modelNamed(named: Named, deleted: 'hide' | 'only' = 'hide'): Promise<Model> {
    if (named.by === 'id') {
      return answered(registry.GET('/v1/projects/{projectId}/models/{modelId}', { params: { path: { ...path, modelId: named.id }, query: { deleted: deleted === 'only' ? 'show' : 'hide' } } }));
    }
    const { items } = await answered(registry.GET('/v1/projects/{projectId}/models', { params: { path, query: { filter: `name = ${quoted(named.name)}`, deleted, limit: 2 } } }));
    const [model, another] = items;
    if (!model) throw notFound('model', named.name, `in project ${id}`);
    if (another) throw new VitaeProblem({ type: 'https://vitae.dev/problems/name-ambiguous', title: 'The name is not enough', status: 409, detail: `Several deleted models were called ${named.name}. Name one by its id: ${items.map((one) => one.id).join(', ')}.` });
    return model;
  }

  async function version(reference: string, deleted: 'hide' | 'show' = 'hide'): Promise<ModelVersion> {
    const named = parseVersionName(reference);
    if (named.by === 'id') return answered(registry.GET('/v1/projects/{projectId}/model-versions/{id}', { params: { path: { ...path, id: named.id }, query: { deleted } } }));
    const { id: modelId, name } = await modelNamed(named.of);
    if (named.by === 'alias') return answered(registry.GET('/v1/projects/{projectId}/models/{modelId}/aliases/{alias}', { params: { path: { ...path, modelId, alias: named.alias } } }));
    const wish = named.by === 'number' ? { filter: `version = ${named.version}` } : { orderBy: 'version DESC' };
    const { items } = await answered(registry.GET('/v1/projects/{projectId}/models/{modelId}/versions', { params: { path: { ...path, modelId }, query: { ...wish, limit: 1, deleted } } }));
    if (!items[0]) throw notFound('model-version', named.by === 'number' ? String(named.version) : 'at all', `of the model ${name}`);
    return items[0];
  }

  const model = (reference: string, deleted?: 'hide' | 'only'): Promise<Model> => modelNamed(parseName(reference), deleted);
  return {
    id,
    connection,
    routes,
    model,
    async modelId(reference, deleted) {
      const named = parseName(reference);
      return named.by === 'id' ? named.id : (await modelNamed(named, deleted)).id;
    },
    version,
    async versionId(reference, deleted) {
      const named = parseVersionName(reference);
      return named.by === 'id' ? named.id : (await version(reference, deleted)).id;
    },
  };
}

/** As the registry says it of an id that it does not know. */
const notFound = (what: 'model' | 'model-version', name: string, where: string): VitaeProblem => {
  const said = what === 'model' ? 'model' : 'version';
  return new VitaeProblem({ type: `https://vitae.dev/problems/${what}-not-found`, title: `${said === 'model' ? 'Model' : 'Model version'} not found`, status: 404, detail: `There is no ${said} ${name} ${where}.` });
};

/** The headers of a command, as openapi-fetch takes them. */
export const saying = (options: CommandOptions = {}): { readonly headers: Record<string, string> } => ({ headers: commandHeaders(options) });

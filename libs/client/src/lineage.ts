import type { Datasets } from './datasets.ts';
import type { paths } from './gen/registry.ts';
import type { Project } from './project.ts';
import { parseName, parseVersionName } from './reference.ts';
import { answered, type AnswerOf } from './routes.ts';

type Route = paths['/v1/projects/{projectId}/lineage'];
export type LineageGraph = Exclude<AnswerOf<Route['get']>, string>;
export type LineagePath = AnswerOf<paths['/v1/projects/{projectId}/lineage/path']['get']>;
export type LineageNode = LineageGraph['nodes'][number];

export interface LineageWish {
  /** up: what it came from; down: what came of it. */
  readonly direction?: 'up' | 'down' | 'both';
  readonly depth?: number;
  /** An index of the ledger or an RFC 3339 time; now without. */
  readonly asOf?: string | undefined;
  /** Only these kinds are told. */
  readonly kinds?: readonly string[] | undefined;
  readonly limit?: number;
}

export type Lineage = ReturnType<typeof lineageOf>;

export function lineageOf(project: Project, datasets: Datasets) {
  const { registry } = project.routes;
  const inProject = { projectId: project.id };

  /** `kind:id`, of that or of what people say: `credit/3`, `credit@champion`, `credit` (the model), `dataset-version:applicants/1`. */
  async function node(reference: string): Promise<string> {
    const [, kind, id = ''] = /^([a-z][a-z-]*):(.+)$/s.exec(reference) ?? [];
    if (kind === 'model') return `model:${await project.modelId(id)}`;
    if (kind === 'model-version') return `model-version:${await project.versionId(id)}`;
    if (kind === 'dataset-version' && parseVersionName(id).by !== 'id') return `dataset-version:${await datasets.versionId(id)}`;
    if (kind !== undefined) return reference;
    const named = parseVersionName(reference);
    if (named.by === 'number' || named.by === 'alias') return `model-version:${await project.versionId(reference)}`;
    if (parseName(reference).by === 'id') throw new TypeError(`${reference} may be the id of anything. Say of what, such as model-version:${reference}.`);
    return `model:${await project.modelId(reference)}`;
  }

  const query = ({ kinds, asOf, ...wish }: LineageWish) => ({ ...wish, ...(asOf === undefined ? {} : { asOf }), ...(kinds === undefined ? {} : { kinds: kinds.join(',') }) });

  return {
    node,
    async around(reference: string, wish: LineageWish = {}): Promise<LineageGraph> {
      return (await answered(registry.GET('/v1/projects/{projectId}/lineage', { params: { path: inProject, query: { ...query(wish), node: await node(reference) } } }))) as LineageGraph;
    },
    /** Drawn for Graphviz or Mermaid. */
    async drawn(reference: string, format: 'dot' | 'mermaid', wish: LineageWish = {}): Promise<string> {
      return (await answered(registry.GET('/v1/projects/{projectId}/lineage', { params: { path: inProject, query: { ...query(wish), node: await node(reference), format } }, parseAs: 'text' }))) as string;
    },
    /** One shortest way; empty lists when there is none. */
    async path(from: string, to: string, { asOf }: Pick<LineageWish, 'asOf'> = {}): Promise<LineagePath> {
      const [begin, end] = await Promise.all([node(from), node(to)]);
      return answered(registry.GET('/v1/projects/{projectId}/lineage/path', { params: { path: inProject, query: { from: begin, to: end, ...(asOf === undefined ? {} : { asOf }) } } }));
    },
  };
}

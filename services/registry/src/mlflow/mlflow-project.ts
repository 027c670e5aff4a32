import { Problem, projectId } from '@vitae/service-kit';
import type { RegistryConfig } from '../config.ts';

interface Addressed {
  readonly params: Readonly<Record<string, unknown>>;
}

/**
 * The project of an address: the one in `/t/<project>/…`, or the default one at the root.
 * @throws Problem 400 project-malformed.
 */
export function mlflowProject({ params }: Addressed, config: object): string {
  const said = params['projectId'];
  if (said === undefined) return (config as RegistryConfig).VITAE_MLFLOW_PROJECT;
  const parsed = projectId.safeParse(said);
  if (parsed.success) return parsed.data;
  const detail = parsed.error.issues[0]?.message ?? '';
  throw new Problem(400, 'project-malformed', 'The project cannot be read', detail, { errors: [{ pointer: '/projectId', detail, in: 'path' }] });
}

/** The project in which a file of the artifact proxy lies: clients of another project's address are sent here with its place. */
export function placeProject(request: Addressed & { readonly query: Readonly<Record<string, unknown>> }, config: object): string {
  const place: unknown = [request.params['path'] ?? request.query['path']].flat()[0];
  const [, named] = /^([a-z0-9][a-z0-9-]{0,62})(?:\/|$)/.exec(typeof place === 'string' ? place : '') ?? [];
  return named ?? mlflowProject(request, config);
}

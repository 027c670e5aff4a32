import type { RegistryConfig } from '../config.ts';

/** The project of an address: the one in `/t/<project>/…`, or the default one at the root. */
export function mlflowProject({ params }: { readonly params: Readonly<Record<string, unknown>> }, config: object): string {
  const said = params['projectId'];
  return typeof said === 'string' ? said : (config as RegistryConfig).VITAE_MLFLOW_PROJECT;
}

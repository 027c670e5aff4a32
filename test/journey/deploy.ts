import { pat } from './cast.ts';
import { production } from './approve.ts';
import { ApiError, until } from './api.ts';
import type { ModelVersion } from './develop.ts';
import { short, type Stage } from './stage.ts';

export interface Endpoint {
  readonly id: string;
  readonly name: string;
}

export async function createEndpoint({ api }: Stage, name: string, modelId: string): Promise<Endpoint> {
  await api.post('/deployment/environments', { as: pat, body: { ...production, driver: 'local' } });
  const endpoint = await api.post<{ id: string }>('/deployment/endpoints', { as: pat, body: { name, environment: production.name, modelId } });
  return { id: endpoint.id, name };
}

interface EndpointView {
  readonly weights: readonly { readonly version: number; readonly weight: number }[];
  readonly variants: readonly { readonly variantId: string; readonly state: string }[];
}

/** Who serves at the moment, as `{ version: weight }` of those with traffic. */
export async function serving({ api }: Stage, endpoint: Endpoint): Promise<ReadonlyMap<number, number>> {
  const view = await api.get<EndpointView>(`/deployment/endpoints/${endpoint.id}`, pat);
  return new Map(view.weights.filter(({ weight }) => weight > 0).map(({ version, weight }) => [version, weight]));
}

/** Tries to deploy without the right to: production must refuse. */
export async function expectRefusal({ api, say }: Stage, endpoint: Endpoint, version: ModelVersion): Promise<void> {
  const refused = await api
    .post(`/deployment/endpoints/${endpoint.id}/variants`, { as: pat, body: { modelVersionId: version.id } })
    .catch((error: unknown) => error);
  if (!(refused instanceof ApiError) || refused.slug !== 'permit-missing') throw new Error('production took a version without a permit', { cause: refused });
  say(`${pat.name} (${pat.does}) tried to deploy version ${version.version} without a permit: refused (${refused.slug})`);
}

/** Act 6: the permit is used up, the variant loaded. The first one of an endpoint gets all traffic. */
export async function deploy(stage: Stage, endpoint: Endpoint, version: ModelVersion, permitId: string): Promise<string> {
  const { api, say, signal } = stage;
  const { variantId } = await api.post<{ variantId: string }>(`/deployment/endpoints/${endpoint.id}/variants`, {
    as: pat,
    why: `Decided at the gate: version ${version.version}`,
    body: { modelVersionId: version.id, permitId },
  });
  await until(`variant ${variantId} to be ready`, signal, async () => {
    const view = await api.get<EndpointView>(`/deployment/endpoints/${endpoint.id}`, pat);
    const variant = view.variants.find((one) => one.variantId === variantId);
    if (variant?.state === 'failed') throw new Error(`variant ${variantId} failed to load`);
    return variant?.state === 'ready' ? variant : undefined;
  });
  const again = await api
    .post(`/deployment/endpoints/${endpoint.id}/variants`, { as: pat, body: { modelVersionId: version.id, permitId } })
    .catch((error: unknown) => error);
  if (!(again instanceof ApiError) || again.slug !== 'permit-used') throw new Error('a permit could be used twice', { cause: again });
  say(`version ${version.version} is loaded as variant ${short(variantId)}; its permit cannot be used again`);
  return variantId;
}

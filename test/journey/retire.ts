import { emil, rosa } from './cast.ts';
import { until } from './api.ts';
import { serving, type Endpoint } from './deploy.ts';
import type { ModelVersion } from './develop.ts';
import type { Stage } from './stage.ts';

interface Retirement {
  readonly state: 'proposed' | 'approved' | 'completed';
  readonly lesson: string;
  readonly archiveLocation?: string;
}

/** Act 10: a version ends: no traffic, bytes in the archive, lesson kept. */
export async function retire(stage: Stage, endpoint: Endpoint, version: ModelVersion): Promise<void> {
  const { api, say, signal } = stage;
  const weights = await serving(stage, endpoint);
  if (weights.has(version.version)) throw new Error(`version ${version.version} still has traffic`);
  const { id } = await api.post<{ id: string }>('/governance/retirements', {
    as: emil,
    why: 'Replaced by a better version',
    body: { modelVersionId: version.id, criterion: 'replacement', lesson: 'Two columns carry most of the signal; the rest is worth five points of accuracy.' },
  });
  await api.post(`/governance/retirements/${id}/approval`, { as: rosa, why: 'Nothing depends on it any more' });
  const retirement = await until('the retirement to be completed', signal, async () => {
    const found = await api.get<Retirement>(`/governance/retirements/${id}`, rosa);
    return found.state === 'completed' ? found : undefined;
  });
  say(`version ${version.version} is retired: no traffic, artefact archived at ${retirement.archiveLocation}, lesson: "${retirement.lesson}"`);
}

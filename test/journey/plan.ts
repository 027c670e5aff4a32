import { olivia, rosa } from './cast.ts';
import { ApiError } from './api.ts';
import type { Stage } from './stage.ts';

/** Act 1: a use case with objective, KPIs and limits, submitted and approved by somebody else. */
export async function plan({ api, say }: Stage): Promise<string> {
  const useCase = await api.post<{ id: string }>('/governance/use-cases', {
    as: olivia,
    why: 'Losses on small consumer loans rose two years in a row',
    body: {
      title: 'Decide small consumer loans',
      objective: 'Find applicants who will not repay, before the loan is granted',
      kpis: [
        { name: 'default rate', unit: '%', baseline: 24.6, target: 19 },
        { name: 'decided without a person', unit: '%', baseline: 0, target: 60 },
      ],
      owner: await api.idOf(olivia),
      dataAvailability: '1,000 decided loans with outcome, Statlog German Credit (UCI)',
      resources: 'one data scientist for a month, one small server',
      purpose: 'credit-scoring',
      riskTier: 'high',
      aiActClass: 'high-risk',
      requiredMetrics: [
        { name: 'accuracy', direction: 'at-least', threshold: 0.62 },
        { name: 'auc', direction: 'at-least', threshold: 0.7 },
        { name: 'equal_opportunity_difference:sex', direction: 'at-most', threshold: 0.15 },
      ],
    },
  });
  await api.post(`/governance/use-cases/${useCase.id}/submission`, { as: olivia });
  const own = await api.post(`/governance/use-cases/${useCase.id}/approval`, { as: olivia }).catch((error: unknown) => error);
  if (!(own instanceof ApiError) || own.slug !== 'four-eyes') throw new Error('the author could approve her own use case', { cause: own });
  await api.post(`/governance/use-cases/${useCase.id}/approval`, { as: rosa, why: 'Objective, limits and owner are clear; credit scoring is high-risk' });
  say(`${olivia.name} (${olivia.does}) drafted and submitted "Decide small consumer loans"; she may not approve it herself`);
  say(`${rosa.name} (${rosa.does}) approved it: risk tier high, EU AI Act high-risk, 2 KPIs, 3 required metrics`);
  return useCase.id;
}

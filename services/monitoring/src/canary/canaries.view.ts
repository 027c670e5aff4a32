import { defineEntity, p, type EntityManager, type InferEntity } from '@mikro-orm/postgresql';
import type { Sql } from '@vitae/event-store';
import { Problem } from '@vitae/service-kit';
import type { EndpointKey } from '../traffic/traffic.view.ts';
import type { CanaryEvidence, Judgement } from './evidence.ts';

/** The judge's state of every rollout. Its counts come from labelled rows, which are not in the ledger: this row is where they live. */
export const Canary = defineEntity({
  name: 'Canary',
  tableName: 'canary',
  properties: {
    rolloutId: p.uuid().primary(),
    projectId: p.text(),
    endpointId: p.uuid(),
    state: p.text().$type<'running' | 'completed' | 'rolled-back'>(),
    evidence: p.json<CanaryEvidence>(),
    judgements: p.json<GivenJudgement[]>(),
    /** Of the rollout, so that its verdicts stand in its chain. */
    correlationId: p.text(),
    /** The event that began the step at hand. */
    causationId: p.text(),
  },
});
export type Canary = InferEntity<typeof Canary>;

export interface GivenJudgement extends Judgement {
  readonly judgementId: string;
  /** RFC 3339. */
  readonly judgedAt: string;
}

/** @throws Problem 404 rollout-not-found */
export async function canaryOf(em: EntityManager, projectId: string, rolloutId: string): Promise<Canary> {
  const found = await em.findOne(Canary, { rolloutId, projectId });
  if (!found) throw new Problem(404, 'rollout-not-found', 'Rollout not found', `There is no rollout ${rolloutId} in project ${projectId}. Deployment shows the rollouts of an endpoint.`);
  return found;
}

/** The rollouts that an endpoint's labels may be evidence for. The endpoint MUST be locked. */
export async function runningCanaries(sql: Sql, { projectId, endpointId }: EndpointKey): Promise<readonly string[]> {
  const rows = await sql.query<{ rollout_id: string }>(`select rollout_id from monitoring.canary where project_id = $1 and endpoint_id = $2 and state = 'running'`, [projectId, endpointId]);
  return rows.map(({ rollout_id }) => rollout_id);
}

import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { StepEvidence } from '@vitae/contracts';
import type { RecordedEvent, Sql } from '@vitae/event-store';
import { type ViewTransaction, violates } from '@vitae/service-kit';
import { causeOf, type Cause } from '../cause.ts';
import { VariantRow } from '../endpoint/endpoints.view.ts';
import { rolloutRefused, type RolloutEvent } from './rollout.ts';

/** What monitoring counted when a step was judged. */
export interface EvidenceRow {
  readonly step: number;
  readonly outcome: 'advanced' | 'completed' | 'rolled-back';
  readonly judgementId: string;
  readonly candidateRows: number;
  readonly candidateErrors: number;
  readonly stableRows: number;
  readonly stableErrors: number;
  readonly logEValue: number;
}

export const RolloutRow = defineEntity({
  name: 'RolloutRow',
  tableName: 'rollout',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text().hidden(),
    endpointId: p.uuid(),
    modelId: p.uuid(),
    stableVariantId: p.uuid(),
    stableModelVersionId: p.uuid(),
    candidateVariantId: p.uuid(),
    candidateModelVersionId: p.uuid(),
    steps: p.json<readonly number[]>(),
    minimumRows: p.integer(),
    alpha: p.double(),
    state: p.text().$type<'running' | 'completed' | 'rolled-back'>(),
    step: p.integer(),
    weight: p.integer(),
    reason: p.text().nullable(),
    evidence: p.json<readonly EvidenceRow[]>(),
    startedAt: p.datetime(),
    endedAt: p.datetime().nullable(),
    cause: p.json<Cause>().hidden(),
    revision: p.integer(),
  },
});
export type RolloutRow = InferEntity<typeof RolloutRow>;

/** @throws Refused ROLLOUT_RUNNING when the endpoint has a running one. */
export async function projectRollouts(tx: ViewTransaction, events: readonly RecordedEvent<RolloutEvent>[]): Promise<void> {
  const { em, sql } = tx;
  for (const recorded of events) {
    const { event, projectId, occurredAt, revision } = recorded;
    const [id, cause, endedAt] = [event.rolloutId, causeOf(recorded), new Date(occurredAt)];
    switch (event.$typeName) {
      case 'vitae.deployment.v1.RolloutStarted': {
        const { endpointId, modelId, stableVariantId, stableModelVersionId, candidateVariantId, candidateModelVersionId, steps, minimumRows, alpha } = event;
        const row = {
          id, projectId, endpointId, modelId, stableVariantId, stableModelVersionId, candidateVariantId, candidateModelVersionId, steps, alpha, cause, revision,
          minimumRows: Number(minimumRows),
          state: 'running' as const, step: 0, weight: 0, reason: null, evidence: [], startedAt: new Date(occurredAt), endedAt: null,
        };
        await em.upsert(RolloutRow, row, { onConflictFields: ['id'] }).catch((error: unknown) => {
          throw violates(error, 'rollout_one_running')
            ? rolloutRefused('ROLLOUT_RUNNING', `A rollout is running at endpoint ${endpointId}, and one at a time is judged. GET …/endpoints/${endpointId} names it; wait for its end, or roll it back.`)
            : error;
        });
        break;
      }
      case 'vitae.deployment.v1.RolloutAdvanced':
        await addEvidence(sql, id, 'advanced', event.evidence);
        await em.nativeUpdate(RolloutRow, { id }, { step: event.step, weight: event.weight, cause, revision });
        break;
      case 'vitae.deployment.v1.RolloutCompleted': {
        await addEvidence(sql, id, 'completed', event.evidence);
        await em.nativeUpdate(RolloutRow, { id }, { state: 'completed', endedAt, cause, revision });
        await leave(tx, id, 'stableVariantId');
        break;
      }
      case 'vitae.deployment.v1.RolloutRolledBack': {
        await addEvidence(sql, id, 'rolled-back', event.evidence);
        await em.nativeUpdate(RolloutRow, { id }, { state: 'rolled-back', weight: 0, reason: event.reason, endedAt, cause, revision });
        await leave(tx, id, 'candidateVariantId');
        break;
      }
    }
  }
}

/** Who did not win goes, once it has no traffic. */
async function leave({ em }: ViewTransaction, id: string, who: 'stableVariantId' | 'candidateVariantId'): Promise<void> {
  const row = await em.findOneOrFail(RolloutRow, { id }, { refresh: true });
  await em.nativeUpdate(VariantRow, { id: row[who], state: { $ne: 'removed' } }, { leaving: true });
}

/** Kept under the step that was judged: the row's own, before this event moves it. Once for each judgement. */
async function addEvidence(sql: Sql, id: string, outcome: EvidenceRow['outcome'], evidence: StepEvidence | undefined): Promise<void> {
  if (!evidence) return;
  const { judgementId, candidateRows, candidateErrors, stableRows, stableErrors, logEValue } = evidence;
  const counted = { outcome, judgementId, candidateRows: Number(candidateRows), candidateErrors: Number(candidateErrors), stableRows: Number(stableRows), stableErrors: Number(stableErrors), logEValue };
  await sql.query(
    `update rollout set evidence = evidence || jsonb_build_array(jsonb_build_object('step', step) || $2::jsonb)
     where id = $1 and not evidence @> jsonb_build_array(jsonb_build_object('judgementId', $3::text))`,
    [id, JSON.stringify(counted), judgementId],
  );
}

export const rolloutById = (em: EntityManager, projectId: string, id: string): Promise<RolloutRow | null> => em.findOne(RolloutRow, { id, projectId });

export const latestRolloutOf = async (em: EntityManager, endpointId: string): Promise<RolloutRow | undefined> =>
  (await em.find(RolloutRow, { endpointId }, { orderBy: { id: 'desc' }, limit: 1 }))[0];

export const runningRolloutOf = (em: EntityManager, projectId: string, endpointId: string): Promise<RolloutRow | null> => em.findOne(RolloutRow, { projectId, endpointId, state: 'running' });

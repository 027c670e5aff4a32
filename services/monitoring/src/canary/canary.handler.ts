import { Injectable } from '@nestjs/common';
import { streamName } from '@vitae/event-store';
import { Ledger, type ViewTransaction } from '@vitae/service-kit';
import { v7 as uuid } from 'uuid';
import { conclusion } from '../conclusion.handler.ts';
import type { EndpointKey } from '../traffic/traffic.view.ts';
import { canary } from './canary.ts';
import { Canary, runningCanaries } from './canaries.view.ts';
import { given, judge, observe, type LabelledRows } from './evidence.ts';

/** Takes labelled rows as evidence about the endpoint's rollout; a verdict that they bring is appended in the same transaction. */
@Injectable()
export class CanaryHandler {
  constructor(private readonly ledger: Ledger) {}

  /** The endpoint MUST be locked. */
  async observe(tx: ViewTransaction, endpoint: EndpointKey, rows: readonly LabelledRows[]): Promise<void> {
    if (rows.length === 0) return;
    for (const rolloutId of await runningCanaries(tx.sql, endpoint)) {
      const row = await tx.em.findOneOrFail(Canary, rolloutId);
      row.evidence = observe(row.evidence, rows);
      await this.judge(tx, row);
      await tx.em.flush();
    }
  }

  /** Gives the verdict on the step at hand, if there is one. */
  async judge(tx: ViewTransaction, row: Canary): Promise<void> {
    const judgement = judge(row.evidence);
    if (!judgement) return;
    const { rolloutId, projectId, correlationId, causationId } = row;
    const { endpointId, modelId, candidateModelVersionId, candidateVariantId } = row.evidence;
    const judgementId = uuid();
    const { events } = await this.ledger.handleWithin(tx, canary, {
      stream: streamName(canary.category, rolloutId),
      command: { type: 'JudgeStep', judgementId, rolloutId, endpointId, modelId, candidateModelVersionId, judgement },
      context: conclusion({ projectId, reason: judgement.reason, correlationId, causationId }),
      subjects: [`model:${modelId}`, `endpoint:${endpointId}`, `rollout:${rolloutId}`, `model-version:${candidateModelVersionId}`, `variant:${candidateVariantId}`],
    });
    row.evidence = given(row.evidence, judgement);
    const [judged] = events;
    if (judged) row.judgements = [...row.judgements, { ...judgement, judgementId, judgedAt: judged.recordedAt }];
  }
}

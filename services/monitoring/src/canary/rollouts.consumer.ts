import type { RolloutAdvanced, RolloutCompleted, RolloutRolledBack, RolloutStarted } from '@vitae/contracts';
import type { RecordedEvent } from '@vitae/event-store';
import { LedgerConsumer, type LedgerHandler, type ViewTransaction } from '@vitae/service-kit';
import { lockTraffic } from '../traffic/traffic.view.ts';
import { CanaryHandler } from './canary.handler.ts';
import { Canary } from './canaries.view.ts';
import { begin, end, enterStep } from './evidence.ts';

type RolloutEvent = RolloutStarted | RolloutAdvanced | RolloutCompleted | RolloutRolledBack;

/** Follows the rollouts, so that each labelled row is evidence about the step in which it was served. */
@LedgerConsumer({ name: 'monitoring.rollouts' })
export class RolloutsConsumer implements LedgerHandler {
  constructor(private readonly canaries: CanaryHandler) {}

  async handle(recorded: RecordedEvent, tx: ViewTransaction): Promise<void> {
    const event = recorded.event as RolloutEvent | { readonly $typeName: 'another event' };
    switch (event.$typeName) {
      case 'vitae.deployment.v1.RolloutStarted':
        return this.#begin(recorded, event, tx);
      case 'vitae.deployment.v1.RolloutAdvanced':
        return this.#change(recorded, event, tx, (row) => {
          row.evidence = enterStep(row.evidence, event.step, event.weight, recorded.occurredAt);
        });
      case 'vitae.deployment.v1.RolloutCompleted':
        return this.#change(recorded, event, tx, (row) => {
          row.state = 'completed';
          row.evidence = end(row.evidence);
        });
      case 'vitae.deployment.v1.RolloutRolledBack':
        return this.#change(recorded, event, tx, (row) => {
          row.state = 'rolled-back';
          row.evidence = end(row.evidence);
        });
      case 'another event':
        return;
    }
  }

  async #begin({ projectId, id, correlationId, occurredAt }: RecordedEvent, event: RolloutStarted, { em, sql }: ViewTransaction): Promise<void> {
    const { rolloutId, endpointId, modelId, stableVariantId, candidateVariantId, candidateModelVersionId, alpha, minimumRows, steps } = event;
    await lockTraffic(sql, [{ projectId, endpointId }]);
    const rollout = { rolloutId, endpointId, modelId, stableVariantId, candidateVariantId, candidateModelVersionId, alpha, minimumRows: Number(minimumRows) };
    await em.upsert(
      Canary,
      { rolloutId, projectId, endpointId, state: 'running', evidence: begin(rollout, steps[0] ?? 0, occurredAt), judgements: [], correlationId, causationId: id },
      { onConflictAction: 'ignore' },
    );
  }

  async #change({ projectId, id }: RecordedEvent, { rolloutId, endpointId }: Exclude<RolloutEvent, RolloutStarted>, tx: ViewTransaction, change: (row: Canary) => void): Promise<void> {
    await lockTraffic(tx.sql, [{ projectId, endpointId }]);
    const row = await tx.em.findOneOrFail(Canary, { rolloutId, projectId });
    change(row);
    row.causationId = id;
    await this.canaries.judge(tx, row); // the evidence may have waited for this step: a FAIL after the last step's PASS
    await tx.em.flush();
  }
}

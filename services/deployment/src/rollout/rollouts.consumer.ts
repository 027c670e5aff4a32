import type { CanaryJudged, VariantFailed } from '@vitae/contracts';
import { streamName, type RecordedEvent } from '@vitae/event-store';
import { Ledger, LedgerConsumer, reactionContext, type LedgerHandler, type ViewTransaction } from '@vitae/service-kit';
import { Reconciler } from '../endpoint/reconcile.worker.ts';
import { reactionTo } from './reactions.ts';
import { rolloutSubjects } from './rollout.handler.ts';
import { rollout } from './rollout.ts';
import { projectRollouts, rolloutById, runningRolloutOf, type RolloutRow } from './rollouts.view.ts';

type Judging = CanaryJudged | VariantFailed;

/** Moves rollouts on: by monitoring's verdicts, and back when the candidate fails. */
@LedgerConsumer({ name: 'deployment.rollouts' })
export class RolloutsConsumer implements LedgerHandler {
  constructor(
    private readonly ledger: Ledger,
    private readonly reconciler: Reconciler,
  ) {}

  async handle(recorded: RecordedEvent, tx: ViewTransaction): Promise<void> {
    // Its own events come by here when they are committed: time for the reconciler to look, in whichever replica.
    if (recorded.type.startsWith('vitae.deployment.')) this.reconciler.wake();
    const event = recorded.event as Judging | { readonly $typeName: 'another event' };
    switch (event.$typeName) {
      case 'vitae.monitoring.v1.CanaryJudged':
        return this.#react(recorded, event, await rolloutById(tx.em, recorded.projectId, event.rolloutId), tx);
      case 'vitae.deployment.v1.VariantFailed':
        return this.#react(recorded, event, await runningRolloutOf(tx.em, recorded.projectId, event.endpointId), tx);
      case 'another event':
        return;
    }
  }

  async #react(recorded: RecordedEvent, event: Judging, row: RolloutRow | null, tx: ViewTransaction): Promise<void> {
    const reaction = reactionTo(event, row ? { rolloutId: row.id, candidateVariantId: row.candidateVariantId } : undefined);
    if (!row || !reaction) return;
    await this.ledger.handleWithin(
      tx,
      rollout,
      {
        stream: streamName(rollout.category, reaction.rolloutId),
        command: reaction.command,
        context: reactionContext(recorded, 'deployment', 'reason' in reaction.command ? reaction.command.reason : ''),
        subjects: rolloutSubjects(row),
      },
      projectRollouts,
    );
  }
}

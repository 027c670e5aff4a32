import { EntityManager } from '@mikro-orm/postgresql';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled } from '@vitae/event-store';
import { caughtUp, Consumers, Ledger, mustHave, type CommandContext } from '@vitae/service-kit';
import { endpointSubjects, noSuchEndpoint } from '../endpoint/endpoint.ts';
import { endpointById, variantsOf } from '../endpoint/endpoints.view.ts';
import { Reconciler } from '../endpoint/reconcile.worker.ts';
import { noSuchEnvironment } from '../environment/environment.ts';
import { environmentById } from '../environment/environments.view.ts';
import { goneVersion } from '../lifecycle/lifecycle.view.ts';
import { noSuchRollout, rollout, type RolloutCommand, type RolloutEvent } from './rollout.ts';
import { projectRollouts, rolloutById, type RolloutRow } from './rollouts.view.ts';

/** What a caller orders. */
export type RolloutOrder =
  | { readonly type: 'start'; readonly endpointId: string; readonly candidateVariantId: string; readonly steps: readonly number[]; readonly minimumRows: number; readonly alpha: number }
  | { readonly type: 'roll-back' };

export class ForRollout extends Command<Handled<RolloutEvent>> {
  constructor(
    readonly rolloutId: string,
    readonly order: RolloutOrder,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForRollout)
export class RolloutHandler implements ICommandHandler<ForRollout> {
  constructor(
    private readonly ledger: Ledger,
    private readonly em: EntityManager,
    private readonly consumers: Consumers,
    private readonly reconciler: Reconciler,
  ) {}

  async execute({ rolloutId, order, context }: ForRollout): Promise<Handled<RolloutEvent>> {
    const { command, subjects } = order.type === 'start' ? await this.#start(rolloutId, order, context) : await this.#rollBack(rolloutId, context);
    const handled = await this.ledger.handle(rollout, { stream: streamName(rollout.category, rolloutId), command, context, subjects }, projectRollouts);
    this.reconciler.wake();
    return handled;
  }

  async #start(rolloutId: string, { type: _type, endpointId, ...order }: Extract<RolloutOrder, { type: 'start' }>, { projectId, principal }: CommandContext): Promise<{ command: RolloutCommand; subjects: string[] }> {
    await caughtUp(this.consumers); // with what the registry deleted
    const row = await endpointById(this.em, projectId, endpointId);
    if (!row) throw noSuchEndpoint(endpointId);
    const place = await environmentById(this.em, projectId, row.environmentId);
    if (!place) throw noSuchEnvironment(row.environment);
    mustHave(principal, 'rollout.start', projectId, place.class);
    const variants = (await variantsOf(this.em, endpointId))
      .filter(({ state, leaving }) => state !== 'removed' && !leaving)
      .map(({ id: variantId, modelVersionId, version, state, weight }) => ({ variantId, modelVersionId, version, state, weight }));
    const concerned = variants.filter(({ variantId, weight }) => weight > 0 || variantId === order.candidateVariantId);
    const candidate = variants.find(({ variantId }) => variantId === order.candidateVariantId);
    const gone = candidate && (await goneVersion(this.em, projectId, candidate.modelVersionId));
    return {
      command: { type: 'StartRollout', rolloutId, endpointId, modelId: row.modelId, variants, gone, ...order },
      subjects: endpointSubjects(endpointId, row.modelId, concerned, [`rollout:${rolloutId}`]),
    };
  }

  async #rollBack(rolloutId: string, { projectId, reason }: CommandContext): Promise<{ command: RolloutCommand; subjects: string[] }> {
    const row = await rolloutById(this.em, projectId, rolloutId);
    if (!row) throw noSuchRollout(rolloutId);
    return { command: { type: 'RollBack', reason }, subjects: rolloutSubjects(row) };
  }
}

/** Under which subjects the ledger finds the events of a rollout. */
export const rolloutSubjects = ({ id, endpointId, modelId, stableVariantId, stableModelVersionId, candidateVariantId, candidateModelVersionId }: RolloutRow): string[] =>
  endpointSubjects(
    endpointId,
    modelId,
    [
      { variantId: stableVariantId, modelVersionId: stableModelVersionId },
      { variantId: candidateVariantId, modelVersionId: candidateModelVersionId },
    ],
    [`rollout:${id}`],
  );

import { CommandHandler, type ICommandHandler, Command } from '@nestjs/cqrs';
import type { BaselineActivated } from '@vitae/contracts';
import { streamName, type Handled } from '@vitae/event-store';
import { Ledger, type CommandContext, type ViewTransaction } from '@vitae/service-kit';
import { AlertHandler } from '../alert/alert.handler.ts';
import { lockTraffic } from '../traffic/traffic.view.ts';
import { progressOf, saveProgress } from '../window/windows.view.ts';
import { baseline, type BaselineCommand } from './baseline.ts';
import { activeBaselines, projectBaseline, type ActiveBaseline } from './baselines.view.ts';

export class ForBaseline extends Command<Handled<BaselineActivated>> {
  constructor(
    readonly command: BaselineCommand,
    readonly context: CommandContext,
  ) {
    super();
  }
}

/** Puts a baseline in force, and ends the alert that was open under the one before: its windows will not come any more. */
@CommandHandler(ForBaseline)
export class BaselineHandler implements ICommandHandler<ForBaseline> {
  constructor(
    private readonly ledger: Ledger,
    private readonly alerts: AlertHandler,
  ) {}

  execute({ command, context }: ForBaseline): Promise<Handled<BaselineActivated>> {
    const { projectId } = context;
    const { baselineId, endpointId, modelId, datasetVersionId } = command;
    const endpoint = { projectId, endpointId };
    return this.ledger.together(context, async (tx) => {
      await lockTraffic(tx.sql, [endpoint]);
      const [before] = await activeBaselines(tx.sql, [endpoint]);
      const handled = await this.ledger.handleWithin(
        tx,
        baseline,
        {
          stream: streamName(baseline.category, baselineId),
          command,
          context,
          subjects: [`model:${modelId}`, `endpoint:${endpointId}`, `baseline:${baselineId}`, `dataset-version:${datasetVersionId}`],
        },
        async (inner, events) => {
          for (const event of events) await projectBaseline(inner, event);
        },
      );
      const [activated] = handled.events;
      if (before && activated && !handled.replayed) await this.#endAlert(tx, before, baselineId, { projectId, correlationId: context.correlationId, causationId: activated.id });
      return handled;
    });
  }

  async #endAlert(tx: ViewTransaction, before: ActiveBaseline, replacingBaselineId: string, chain: { projectId: string; correlationId: string; causationId: string }): Promise<void> {
    const progress = await progressOf(tx.sql, before.baselineId);
    if (progress?.memory.alertId === undefined) return;
    const { alertId, ...memory } = progress.memory;
    const { endpointId, modelId } = before;
    const reason = 'Another baseline took the place of the one that this alert was raised against.';
    await this.alerts.within(tx, { type: 'ClearAlert', alertId, endpointId, modelId, by: { replacingBaselineId } }, { ...chain, reason });
    await saveProgress(tx.sql, before.baselineId, { ...progress, memory });
  }
}

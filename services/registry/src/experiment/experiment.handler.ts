import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled } from '@vitae/event-store';
import { because, type CommandContext, Ledger, violates, type ViewTransaction } from '@vitae/service-kit';
import { v5 } from 'uuid';
import { uuidOf } from '../run/tracking-id.ts';
import { DEFAULT_EXPERIMENT, DEFAULT_EXPERIMENT_NAME, experiment, experimentNameTaken, experimentNotFound, type CreateExperiment, type ExperimentChange, type ExperimentEvent } from './experiment.ts';
import { lockExperiment, projectExperiment, type LockedExperiment } from './experiments.view.ts';

export class ForExperiment extends Command<Handled<ExperimentEvent>> {
  constructor(
    readonly experimentId: string,
    readonly order: CreateExperiment | ExperimentChange,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForExperiment)
export class ExperimentHandler implements ICommandHandler<ForExperiment> {
  constructor(private readonly ledger: Ledger) {}

  async execute({ experimentId, order, context }: ForExperiment): Promise<Handled<ExperimentEvent>> {
    try {
      return await this.ledger.together(context, async (tx) => {
        if (order.type === 'CreateExperiment') return created(this.ledger, tx, order, context);
        const locked = await usedExperiment(this.ledger, tx, experimentId, context);
        if (!locked) throw experimentNotFound(experimentId);
        const subjects = [`experiment:${experimentId}`];
        return this.ledger.handleWithin(tx, experiment, { stream: locked.stream, command: order, context: because(context, reasonOf(order, experimentId)), subjects, snapshot: locked.snapshot }, projectExperiment);
      });
    } catch (error) {
      if (!violates(error, 'experiment_name_once')) throw error;
      throw experimentNameTaken(order.type === 'CreateExperiment' || order.type === 'RenameExperiment' ? order.name : DEFAULT_EXPERIMENT_NAME);
    }
  }
}

const NAMESPACE = '0199a000-7654-7000-8000-766974616523';

/** A project has one default experiment, so the id of its stream is made of the project's. MUST NOT change: stored streams carry it. */
const streamOf = (projectId: string, experimentId: string): string => streamName(experiment.category, uuidOf(experimentId) ?? v5(`experiment/${projectId}/${experimentId}`, NAMESPACE));

function created(ledger: Ledger, tx: ViewTransaction, command: CreateExperiment, context: CommandContext): Promise<Handled<ExperimentEvent>> {
  const request = { stream: streamOf(context.projectId, command.experimentId), command, context: because(context, `Creates the experiment ${command.name}.`), subjects: [`experiment:${command.experimentId}`] };
  return ledger.handleWithin(tx, experiment, request, projectExperiment);
}

/**
 * The experiment, locked. The default one comes to be when it is used first.
 * @throws what the rules say of a default experiment whose name is taken.
 */
export async function usedExperiment(ledger: Ledger, tx: ViewTransaction, experimentId: string, context: CommandContext): Promise<LockedExperiment | undefined> {
  const locked = await lockExperiment(tx.sql, context.projectId, experimentId);
  if (locked || experimentId !== DEFAULT_EXPERIMENT) return locked;
  const { idempotency: _key, expected: _expected, ...own } = context; // the key is the request's, not this step's
  await created(ledger, tx, { type: 'CreateExperiment', experimentId, name: DEFAULT_EXPERIMENT_NAME, artifactLocation: '', tags: [] }, { ...own, reason: 'Every project has a default experiment, and somebody uses it for the first time.' });
  return lockExperiment(tx.sql, context.projectId, experimentId);
}

function reasonOf(order: ExperimentChange, id: string): string {
  switch (order.type) {
    case 'RenameExperiment':
      return `Renames the experiment ${id} to ${order.name}.`;
    case 'TagExperiment':
      return `Tags the experiment ${id} with ${order.key}.`;
    case 'RemoveExperimentTag':
      return `Removes the tag ${order.key} from the experiment ${id}.`;
    case 'DeleteExperiment':
      return `Deletes the experiment ${id}.`;
    case 'RestoreExperiment':
      return `Restores the experiment ${id}.`;
  }
}

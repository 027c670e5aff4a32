import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled } from '@vitae/event-store';
import { because, type CommandContext, Ledger, violates } from '@vitae/service-kit';
import { DatasetVersions } from '../dataset-version/dataset-versions.view.ts';
import { evaluationSuite, evaluationSuiteNameTaken, type EvaluationSuiteCommand, type EvaluationSuiteEvent } from './evaluation-suite.ts';
import { EvaluationSuites, projectEvaluationSuite } from './evaluation-suites.view.ts';
import type { SuiteContent } from './suite-content.ts';
import type { SuiteData } from './suite-faults.ts';

/** What a caller wants of a suite; what is known of its data is found here. */
export type EvaluationSuiteOrder = Exclude<EvaluationSuiteCommand, { type: 'PublishEvaluationSuite' }> | { readonly type: 'PublishEvaluationSuite' };

export class ForEvaluationSuite extends Command<Handled<EvaluationSuiteEvent>> {
  constructor(
    readonly suiteId: string,
    readonly order: EvaluationSuiteOrder,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForEvaluationSuite)
export class EvaluationSuiteHandler implements ICommandHandler<ForEvaluationSuite> {
  constructor(
    private readonly ledger: Ledger,
    private readonly suites: EvaluationSuites,
    private readonly datasets: DatasetVersions,
  ) {}

  async execute({ suiteId, order, context }: ForEvaluationSuite): Promise<Handled<EvaluationSuiteEvent>> {
    const { name, content } = order.type === 'DraftEvaluationSuite' ? order : await this.suites.byId(context.projectId, suiteId);
    const said = order.type === 'PublishEvaluationSuite' ? content : order.content;
    const command: EvaluationSuiteCommand = order.type === 'PublishEvaluationSuite' ? { ...order, data: await this.#data(context.projectId, said) } : order;
    try {
      return await this.ledger.handle(
        evaluationSuite,
        {
          stream: streamName(evaluationSuite.category, suiteId),
          command,
          context: because(context, `${DOES[order.type]} the evaluation suite ${name}.`),
          subjects: [`evaluation-suite:${suiteId}`, ...new Set(said.datasets.map(({ datasetVersionId }) => `dataset-version:${datasetVersionId}`))],
        },
        projectEvaluationSuite,
      );
    } catch (error) {
      throw violates(error, 'evaluation_suite_name_once') ? evaluationSuiteNameTaken(name) : error;
    }
  }

  async #data(projectId: string, { datasets }: SuiteContent): Promise<ReadonlyMap<string, SuiteData>> {
    const found = new Map<string, SuiteData>();
    for (const { datasetVersionId } of datasets) {
      const row = await this.datasets.byId(projectId, datasetVersionId);
      if (row) found.set(datasetVersionId, { ...row, name: row.datasetName });
    }
    return found;
  }
}

const DOES: Readonly<Record<EvaluationSuiteOrder['type'], string>> = {
  DraftEvaluationSuite: 'Drafts',
  ReviseEvaluationSuite: 'Revises',
  PublishEvaluationSuite: 'Publishes',
};

import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled } from '@vitae/event-store';
import { because, Ledger, type CommandContext } from '@vitae/service-kit';
import { suiteDatasetUnclear, suiteIsRunElsewhere } from '../evaluation-suite/evaluation-suite.ts';
import { EvaluationSuites } from '../evaluation-suite/evaluation-suites.view.ts';
import type { SuiteContent } from '../evaluation-suite/suite-content.ts';
import { subjectsOf } from '../model-version/model-version.handler.ts';
import { evaluation, mustCompare, type EvaluationEvent } from './evaluation.ts';
import { projectEvaluation } from './evaluations.view.ts';
import { measureSideBySide } from './measuring.store.ts';
import { measuredVersion, rowsOf, Scorer, type ScoredOn } from './scorer.store.ts';
import { judge } from './threshold.ts';

/** Asks for a version to be run and measured: on rows, or by a suite that says on which. */
export interface EvaluationOrder {
  readonly evaluationId: string;
  readonly modelVersionId: string;
  readonly datasetVersionId?: string | undefined;
  /** Empty: all rows. */
  readonly split?: string | undefined;
  readonly compareWith?: string | undefined;
  readonly suiteId?: string | undefined;
  /** The suite's; without it the newest that is published. */
  readonly revision?: number | undefined;
}

export class ForEvaluation extends Command<Handled<EvaluationEvent>> {
  constructor(
    readonly order: EvaluationOrder,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForEvaluation)
export class EvaluationHandler implements ICommandHandler<ForEvaluation> {
  constructor(
    private readonly ledger: Ledger,
    private readonly scorer: Scorer,
    private readonly suites: EvaluationSuites,
  ) {}

  async execute({ order, context }: ForEvaluation): Promise<Handled<EvaluationEvent>> {
    const { evaluationId, compareWith } = order;
    const version = await this.scorer.version(context.projectId, order.modelVersionId);
    const other = compareWith === undefined ? undefined : await this.scorer.version(context.projectId, compareWith);
    if (other) mustCompare(measuredVersion(version), measuredVersion(other));
    const suite = order.suiteId === undefined ? undefined : await this.suites.published(context.projectId, order.suiteId, order.revision);
    const on: ScoredOn = suite ? { ...chosen(suite, order), slices: suite.content.slices } : { datasetVersionId: order.datasetVersionId ?? '', split: order.split ?? '', slices: [] };

    const { dataset, scored } = await this.scorer.score(context.projectId, other ? [other, version] : [version], on);
    const { measured: all, differences: [paired = []] } = await measureSideBySide(scored);
    const measured = all.at(-1);
    const [measuredOther] = all;
    if (!measured || !measuredOther) throw new Error(`version ${version.version} was not measured`);
    return this.ledger.handle(
      evaluation,
      {
        stream: streamName(evaluation.category, evaluationId),
        command: {
          type: 'RecordEvaluation',
          evaluationId,
          of: measuredVersion(version),
          dataset: { datasetVersionId: dataset.id, datasetDigest: dataset.digest },
          split: on.split,
          measured,
          ...(suite ? { suite: { suiteId: suite.suiteId, name: suite.name, number: suite.number, ...judge(suite.content, measured) } } : {}),
          ...(other ? { comparedWith: { version: measuredVersion(other), measured: measuredOther, paired } } : {}),
        },
        context: because(context, `Runs version ${version.version} of ${version.modelName} on ${rowsOf(dataset, on.split)}${suite ? ` by revision ${suite.number} of the suite ${suite.name}` : ''}.`),
        subjects: [
          ...subjectsOf({ ...version, modelVersionId: version.id, datasetVersionId: dataset.id }),
          ...(other ? [`model-version:${other.id}`] : []),
          ...(suite ? [`evaluation-suite:${suite.suiteId}`] : []),
          `evaluation:${evaluationId}`,
        ],
      },
      projectEvaluation,
    );
  }
}

/** Which of a suite's rows are meant. @throws Refused EVALUATION_SUITE_KIND, SUITE_DATASET_UNCLEAR. */
function chosen({ name, content }: { readonly name: string; readonly content: SuiteContent }, { datasetVersionId, split }: Pick<EvaluationOrder, 'datasetVersionId' | 'split'>): SuiteContent['datasets'][number] {
  if (content.kind === 'llm') throw suiteIsRunElsewhere(name);
  const [first, ...more] = content.datasets.filter((one) => (datasetVersionId === undefined || one.datasetVersionId === datasetVersionId) && (split === undefined || one.split === split));
  if (!first || more.length > 0) throw suiteDatasetUnclear(name, content.datasets.map((one) => `${one.split || 'all rows'} of ${one.datasetVersionId}`));
  return first;
}

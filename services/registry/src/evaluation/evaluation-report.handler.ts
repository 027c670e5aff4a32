import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled } from '@vitae/event-store';
import { because, Ledger, type CommandContext } from '@vitae/service-kit';
import { normalEstimate } from '@vitae/statistics';
import { datasetVersionNotFound } from '../dataset-version/dataset-version.ts';
import { DatasetVersions } from '../dataset-version/dataset-versions.view.ts';
import { suiteDatasetUnclear } from '../evaluation-suite/evaluation-suite.ts';
import { EvaluationSuites } from '../evaluation-suite/evaluation-suites.view.ts';
import type { SuiteContent } from '../evaluation-suite/suite-content.ts';
import { subjectsOf } from '../model-version/model-version.handler.ts';
import { modelVersionNotFound } from '../model-version/model-version.ts';
import { ModelVersions } from '../model-version/versions.view.ts';
import { evaluation, refuse, type EvaluationEvent } from './evaluation.ts';
import { projectEvaluation } from './evaluations.view.ts';
import { estimated, known, type Measured } from './measured.ts';
import type { Report } from './report.ts';
import { measuredVersion } from './scorer.store.ts';
import { judge } from './threshold.ts';

/** What somebody else measured, as it came in; digests of registered data are found here. */
export interface ReportOrder extends Omit<Report, 'dataset'> {
  readonly evaluationId: string;
  readonly modelVersionId: string;
  readonly dataset: { readonly datasetVersionId: string } | { readonly uri: string; readonly digest: string; readonly name: string };
  readonly suiteId?: string | undefined;
  readonly revision?: number | undefined;
}

export class ForEvaluationReport extends Command<Handled<EvaluationEvent>> {
  constructor(
    readonly order: ReportOrder,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForEvaluationReport)
export class EvaluationReportHandler implements ICommandHandler<ForEvaluationReport> {
  constructor(
    private readonly ledger: Ledger,
    private readonly versions: ModelVersions,
    private readonly datasets: DatasetVersions,
    private readonly suites: EvaluationSuites,
  ) {}

  async execute({ order: { evaluationId, modelVersionId, suiteId, revision, ...said }, context }: ForEvaluationReport): Promise<Handled<EvaluationEvent>> {
    const version = await this.versions.byId(context.projectId, modelVersionId);
    if (!version) throw modelVersionNotFound(modelVersionId);
    const suite = suiteId === undefined ? undefined : await this.suites.published(context.projectId, suiteId, revision);
    if (suite) mustBeOf(suite, said);
    const judgedBy = said.judge ?? judgeOf(suite?.content);
    if (said.rubricScores.length > 0 && !judgedBy) throw refuse('JUDGE_MISSING', 'Rubric scores are worth what their judge is. Say in judge which model gave them, by which rubric and scale, or name a suite that does.');
    const report: Report = { ...said, judge: said.rubricScores.length > 0 ? judgedBy : undefined, dataset: await this.#dataset(context.projectId, said.dataset) };
    const results = { metrics: [...said.metrics, ...said.rubricScores.flatMap(rubricMetric)], slices: said.slices };
    return this.ledger.handle(
      evaluation,
      {
        stream: streamName(evaluation.category, evaluationId),
        command: {
          type: 'ReportEvaluation',
          evaluationId,
          of: measuredVersion(version),
          report,
          ...(suite ? { suite: { suiteId: suite.suiteId, name: suite.name, number: suite.number, ...judge(suite.content, results) } } : {}),
        },
        context: because(context, `Reports what ${said.executedBy} measured of version ${version.version} of ${version.modelName} with ${said.tool.name}.`),
        subjects: [
          ...subjectsOf({ ...version, modelVersionId, datasetVersionId: 'datasetVersionId' in report.dataset ? report.dataset.datasetVersionId : undefined }),
          ...(suite ? [`evaluation-suite:${suite.suiteId}`] : []),
          `evaluation:${evaluationId}`,
        ],
      },
      projectEvaluation,
    );
  }

  async #dataset(projectId: string, said: ReportOrder['dataset']): Promise<Report['dataset']> {
    if (!('datasetVersionId' in said)) return said;
    const row = await this.datasets.byId(projectId, said.datasetVersionId);
    if (!row) throw datasetVersionNotFound(said.datasetVersionId);
    return { datasetVersionId: row.id, datasetDigest: row.digest };
  }
}

/** A verdict of a suite on other rows than its own would be none. @throws Refused SUITE_DATASET_UNCLEAR. */
function mustBeOf({ name, content }: { readonly name: string; readonly content: SuiteContent }, { dataset, split }: Pick<ReportOrder, 'dataset' | 'split'>): void {
  if (content.datasets.length === 0) return;
  const fits = content.datasets.some((one) => 'datasetVersionId' in dataset && one.datasetVersionId === dataset.datasetVersionId && one.split === split);
  if (!fits) throw suiteDatasetUnclear(name, content.datasets.map((one) => `${one.split || 'all rows'} of ${one.datasetVersionId}`));
}

const judgeOf = (content: SuiteContent | undefined): Report['judge'] =>
  content?.judge && { model: content.judge.model, rubric: content.judge.rubric, scaleFrom: content.judge.scale.from, scaleTo: content.judge.scale.to };

/** What a judge gave on one point, as a metric that thresholds can name. */
function rubricMetric({ criterion, n, mean, standardDeviation }: Report['rubricScores'][number]): Measured[] {
  return n < 2 ? known(criterion, mean) : estimated(criterion, normalEstimate(mean, standardDeviation / Math.sqrt(n)));
}

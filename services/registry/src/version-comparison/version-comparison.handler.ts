import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { VersionsCompared } from '@vitae/contracts';
import { streamName, type Handled } from '@vitae/event-store';
import { because, Ledger, type CommandContext } from '@vitae/service-kit';
import { MADE_WITH } from '../evaluation/compare.ts';
import { measureSideBySide } from '../evaluation/measuring.store.ts';
import { measuredVersion, rowsOf, Scorer } from '../evaluation/scorer.store.ts';
import { subjectsOf } from '../model-version/model-version.handler.ts';
import type { ModelVersionShown } from '../model-version/versions.view.ts';
import { mustBeComparable, versionComparison } from './version-comparison.ts';
import { projectVersionComparison } from './version-comparisons.view.ts';

/** Asks for versions to be run on the same rows and set side by side. The first is what the others are held against. */
export interface ComparisonOrder {
  readonly comparisonId: string;
  readonly modelVersionIds: readonly string[];
  readonly datasetVersionId: string;
  /** Empty: all rows. */
  readonly split: string;
}

export class ForVersionComparison extends Command<Handled<VersionsCompared>> {
  constructor(
    readonly order: ComparisonOrder,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForVersionComparison)
export class VersionComparisonHandler implements ICommandHandler<ForVersionComparison> {
  constructor(
    private readonly ledger: Ledger,
    private readonly scorer: Scorer,
  ) {}

  async execute({ order: { comparisonId, modelVersionIds, datasetVersionId, split }, context }: ForVersionComparison): Promise<Handled<VersionsCompared>> {
    const versions: ModelVersionShown[] = [];
    for (const id of modelVersionIds) versions.push(await this.scorer.version(context.projectId, id));
    mustBeComparable(versions.map(measuredVersion));
    const { dataset, scored } = await this.scorer.score(context.projectId, versions, { datasetVersionId, split, slices: [] });
    const { measured, differences } = await measureSideBySide(scored);
    const [[first], [baseline]] = [versions, measured];
    if (!baseline || !first) throw new Error('a comparison has versions');
    const said = versions.map((version, i) => {
      const { modelVersionId, version: number, artefactDigest } = measuredVersion(version);
      return { modelVersionId, version: number, artefactDigest, metrics: measured[i]?.metrics ?? [], differences: i === 0 ? [] : (differences[i - 1] ?? []) };
    });
    return this.ledger.handle(
      versionComparison,
      {
        stream: streamName(versionComparison.category, comparisonId),
        command: { type: 'CompareVersions', comparisonId, modelId: first.modelId, datasetVersionId, datasetDigest: dataset.digest, split, rowCount: baseline.rowCount, task: baseline.task, versions: said, ...MADE_WITH },
        context: because(context, `Compares versions ${versions.map(({ version }) => version).join(', ')} of ${first.modelName} on ${rowsOf(dataset, split)}.`),
        subjects: [...new Set(versions.flatMap((version) => subjectsOf({ ...version, modelVersionId: version.id, datasetVersionId }))), `version-comparison:${comparisonId}`],
      },
      projectVersionComparison,
    );
  }
}

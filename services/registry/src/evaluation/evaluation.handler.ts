import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { EvaluationRecorded } from '@vitae/contracts';
import { streamName, type Handled } from '@vitae/event-store';
import { CONFIG, Ledger, type CommandContext } from '@vitae/service-kit';
import { ArtefactStore } from '../artefact/artefact.store.ts';
import type { RegistryConfig } from '../config.ts';
import { datasetVersionNotFound } from '../dataset-version/dataset-version.ts';
import { DatasetVersions, type DatasetVersionRow } from '../dataset-version/dataset-versions.view.ts';
import { subjectsOf } from '../model-version/model-version.handler.ts';
import { artefactMissing, modelVersionNotFound } from '../model-version/model-version.ts';
import { ModelVersions, type ModelVersionShown } from '../model-version/versions.view.ts';
import { evaluation, mustCompare, refuse, type MeasuredVersion } from './evaluation.ts';
import { projectEvaluation } from './evaluations.view.ts';
import { measure, type Measurement } from './measure.ts';
import { score, type LabelledData } from './scoring.store.ts';

/** Asks for a version to be run and measured. */
export interface EvaluationOrder {
  readonly evaluationId: string;
  readonly modelVersionId: string;
  readonly datasetVersionId: string;
  /** Empty: all rows. */
  readonly split: string;
  readonly compareWith?: string | undefined;
}

export class ForEvaluation extends Command<Handled<EvaluationRecorded>> {
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
    private readonly artefacts: ArtefactStore,
    private readonly datasets: DatasetVersions,
    private readonly versions: ModelVersions,
    @Inject(CONFIG) private readonly config: RegistryConfig,
  ) {}

  async execute({ order, context }: ForEvaluation): Promise<Handled<EvaluationRecorded>> {
    const { evaluationId, split, compareWith } = order;
    const version = await this.#version(context.projectId, order.modelVersionId);
    const other = compareWith === undefined ? undefined : await this.#version(context.projectId, compareWith);
    if (other) mustCompare(measuredVersion(version), measuredVersion(other));
    const dataset = await this.datasets.byId(context.projectId, order.datasetVersionId);
    if (!dataset) throw datasetVersionNotFound(order.datasetVersionId);

    await using rows = await this.artefacts.checkOut([{ path: 'rows', digest: dataset.digest }]);
    const data = labelled(dataset, rows.pathOf('rows'), split);
    const measured = await this.#measure(version, data);
    const comparedWith = other && { version: measuredVersion(other), measured: await this.#measure(other, data) };
    return this.ledger.handle(
      evaluation,
      {
        stream: streamName(evaluation.category, evaluationId),
        command: {
          type: 'RecordEvaluation',
          evaluationId,
          of: measuredVersion(version),
          dataset: { datasetVersionId: dataset.id, datasetDigest: dataset.digest },
          split,
          measured,
          comparedWith,
        },
        context: { ...context, reason: context.reason || `Runs version ${version.version} of ${version.modelName} on ${split || 'all rows'} of ${dataset.datasetName} version ${dataset.version}.` },
        subjects: [
          ...subjectsOf({ ...version, modelVersionId: version.id, datasetVersionId: dataset.id }),
          ...(other ? [`model-version:${other.id}`] : []),
          `evaluation:${evaluationId}`,
        ],
      },
      projectEvaluation,
    );
  }

  async #version(projectId: string, id: string): Promise<ModelVersionShown> {
    const row = await this.versions.byId(projectId, id);
    if (!row) throw modelVersionNotFound(id);
    if (row.files.length === 0 || row.inputs.length === 0) throw artefactMissing(row.version, 'it cannot be run');
    return row;
  }

  async #measure({ files, inputs, outputs, artefactDigest }: ModelVersionShown, data: LabelledData): Promise<Measurement> {
    const [file] = files;
    if (!file) throw new Error(`the artefact ${artefactDigest} has no file`);
    const workspace = { scratch: this.artefacts.scratch, memoryMb: this.config.VITAE_DATASET_MEMORY_MB };
    await using checkedOut = await this.artefacts.checkOut(files);
    return measure(await score({ path: checkedOut.pathOf(file.path), digest: file.digest, inputs, outputs }, data, workspace));
  }
}

function labelled(dataset: DatasetVersionRow, path: string, split: string): LabelledData {
  const named = `${dataset.datasetName} version ${dataset.version}`;
  if (dataset.labelColumn === '') throw refuse('LABEL_MISSING', `${named} names no label column, so there is nothing to measure against. Evaluate on a version that was registered with labelColumn.`);
  if (split !== '' && !dataset.splits.some(({ name }) => name === split)) {
    const have = dataset.splits.map(({ name }) => name).join(', ');
    throw refuse('SPLIT_UNKNOWN', `${named} has no split named ${split}. ${have ? `Its splits are ${have}.` : 'It is not split: leave split out to use all rows.'}`);
  }
  return {
    file: { path, mediaType: dataset.mediaType },
    columns: dataset.columns,
    labelColumn: dataset.labelColumn,
    protectedColumns: dataset.protectedColumns,
    split: split === '' ? undefined : { column: dataset.splitColumn, value: split },
  };
}

const measuredVersion = ({ id, modelId, version, artefactDigest }: ModelVersionShown): MeasuredVersion => ({ modelVersionId: id, modelId, version, artefactDigest });

import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '@vitae/service-kit';
import { ArtefactStore } from '../artefact/artefact.store.ts';
import type { RegistryConfig } from '../config.ts';
import { DatasetVersions, type DatasetVersionRow } from '../dataset-version/dataset-versions.view.ts';
import { mustBeUsable } from '../dataset-version/usable.view.ts';
import { Models } from '../model/models.view.ts';
import { artefactMissing, modelVersionNotFound } from '../model-version/model-version.ts';
import { ModelVersions, type ModelVersionShown } from '../model-version/versions.view.ts';
import { refuse, type MeasuredVersion } from './evaluation.ts';
import { score, type LabelledData } from './scoring.store.ts';
import type { ScoredRows } from './scored-rows.ts';
import { sliceFault, type Slice } from './slice.ts';

/** Rows that versions are run on. */
export interface ScoredOn {
  readonly datasetVersionId: string;
  /** Empty: all rows. */
  readonly split: string;
  readonly slices: readonly Slice[];
}

/** Runs versions on rows of a dataset version. */
@Injectable()
export class Scorer {
  constructor(
    private readonly artefacts: ArtefactStore,
    private readonly datasets: DatasetVersions,
    private readonly models: Models,
    private readonly versions: ModelVersions,
    @Inject(CONFIG) private readonly config: RegistryConfig,
  ) {}

  /** @throws Refused MODEL_VERSION_NOT_FOUND, ARTEFACT_MISSING. */
  async version(projectId: string, id: string): Promise<ModelVersionShown> {
    const row = await this.versions.byId(projectId, id);
    if (!row) throw modelVersionNotFound(id);
    if (row.files.length === 0) throw artefactMissing(row.version, 'it cannot be run');
    return row;
  }

  /** Each version on the same rows in the same order, one after the other. */
  async score(projectId: string, versions: readonly ModelVersionShown[], on: ScoredOn): Promise<{ readonly dataset: DatasetVersionRow; readonly scored: readonly ScoredRows[] }> {
    const dataset = await mustBeUsable(this.datasets, projectId, on.datasetVersionId, 'nothing is evaluated on it');
    await using rows = await this.artefacts.checkOut([{ path: 'rows', digest: dataset.digest }]);
    const data = labelled(dataset, rows.pathOf('rows'), on);
    const scored: ScoredRows[] = [];
    for (const version of versions) scored.push(await this.#one(projectId, version, data));
    return { dataset, scored };
  }

  async #one(projectId: string, { files, inputs, outputs, artefactDigest, modelId }: ModelVersionShown, data: LabelledData): Promise<ScoredRows> {
    const [file] = files;
    if (!file) throw new Error(`the artefact ${artefactDigest} has no file`);
    const task = (await this.models.byId(projectId, modelId, 'show'))?.task ?? '';
    const workspace = { scratch: this.artefacts.scratch, memoryMb: this.config.VITAE_DATASET_MEMORY_MB };
    await using checkedOut = await this.artefacts.checkOut(files);
    // Awaited here, so that the file stays until the last row is scored.
    return await score({ path: checkedOut.pathOf(file.path), digest: file.digest, inputs, outputs, task }, data, workspace);
  }
}

export const measuredVersion = ({ id, modelId, version, artefactDigest }: ModelVersionShown): MeasuredVersion => ({ modelVersionId: id, modelId, version, artefactDigest });

/** In what a command says when its caller gives no reason. */
export const rowsOf = (dataset: DatasetVersionRow, split: string): string => `${split || 'all rows'} of ${dataset.datasetName} version ${dataset.version}`;

function labelled(dataset: DatasetVersionRow, path: string, { split, slices }: ScoredOn): LabelledData {
  const named = `${dataset.datasetName} version ${dataset.version}`;
  if (dataset.labelColumn === '') throw refuse('LABEL_MISSING', `${named} names no label column, so there is nothing to measure against. Evaluate on a version that was registered with labelColumn.`);
  if (split !== '' && !dataset.splits.some(({ name }) => name === split)) {
    const have = dataset.splits.map(({ name }) => name).join(', ');
    throw refuse('SPLIT_UNKNOWN', `${named} has no split named ${split}. ${have ? `Its splits are ${have}.` : 'It is not split: leave split out to use all rows.'}`);
  }
  const faults = slices.flatMap((slice) => sliceFault(slice, dataset.columns) ?? []);
  if (faults.length > 0) throw refuse('SLICE_UNFIT', `On ${named} the slice ${faults.join(', and ')}. Run the suite on the data that it was made for.`);
  return {
    file: { path, mediaType: dataset.mediaType },
    columns: dataset.columns,
    labelColumn: dataset.labelColumn,
    protectedColumns: dataset.protectedColumns,
    split: split === '' ? undefined : { column: dataset.splitColumn, value: split },
    slices,
  };
}

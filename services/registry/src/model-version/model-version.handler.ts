import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled } from '@vitae/event-store';
import { rootDigest, type DigestedFile } from '@vitae/model-signing';
import { type CommandContext, Ledger, violates } from '@vitae/service-kit';
import { artefactNotFound } from '../artefact/artefact.ts';
import { ArtefactStore } from '../artefact/artefact.store.ts';
import { contentOf, LOOKED_AT_BYTES } from '../artefact/content.ts';
import { datasetVersionNotFound } from '../dataset-version/dataset-version.ts';
import { DatasetVersions } from '../dataset-version/dataset-versions.view.ts';
import { modelNotFound } from '../model/model.ts';
import { Models } from '../model/models.view.ts';
import { nextVersion, scopeOfModel } from '../version-counter.view.ts';
import { artefactAlreadyRegistered, modelVersion, type ModelVersionEvent, type RegisterModelVersion, type StoredFile } from './model-version.ts';
import { readInterface } from './onnx-model.store.ts';
import { ModelVersions, projectModelVersion } from './versions.view.ts';

/** What the registering person says of a version; the rest is found out on the way. */
export interface ModelVersionDeclaration extends Pick<
  RegisterModelVersion,
  'modelVersionId' | 'modelId' | 'datasetVersionId' | 'source' | 'trainingMetrics' | 'contributors' | 'description'
> {
  /** The file that is opened as the model, and what else belongs to it. */
  readonly artefact: { readonly digest: string; readonly path: string; readonly format: 'onnx'; readonly files: readonly DigestedFile[] };
}

export class ForModelVersion extends Command<Handled<ModelVersionEvent>> {
  constructor(
    readonly declaration: ModelVersionDeclaration,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForModelVersion)
export class ModelVersionHandler implements ICommandHandler<ForModelVersion> {
  constructor(
    private readonly ledger: Ledger,
    private readonly artefacts: ArtefactStore,
    private readonly models: Models,
    private readonly datasets: DatasetVersions,
    private readonly versions: ModelVersions,
  ) {}

  async execute({ declaration, context }: ForModelVersion): Promise<Handled<ModelVersionEvent>> {
    const { modelVersionId, modelId, datasetVersionId, artefact } = declaration;
    const model = await this.models.byId(context.projectId, modelId);
    if (!model) throw modelNotFound(modelId);
    const dataset = await this.datasets.byId(context.projectId, datasetVersionId);
    if (!dataset) throw datasetVersionNotFound(datasetVersionId);
    const files = await this.#filesOf([artefact, ...artefact.files]);
    await using checkedOut = await this.artefacts.checkOut(files);
    const { inputs, outputs } = await readInterface(checkedOut.pathOf(artefact.path), artefact.digest);
    const digest = rootDigest(files);
    try {
      return await this.ledger.together(context, async (tx) => {
        const version = await nextVersion(tx.sql, scopeOfModel(modelId));
        return this.ledger.handleWithin(
          tx,
          modelVersion,
          {
            stream: streamName(modelVersion.category, modelVersionId),
            command: {
              ...declaration,
              type: 'RegisterModelVersion',
              version,
              modelName: model.name,
              useCaseId: model.useCaseId,
              artefact: { digest, format: artefact.format, files },
              inputs,
              outputs,
              datasetDigest: dataset.digest,
              registeredBy: context.actor.id,
            },
            context: { ...context, reason: context.reason || `Registers version ${version} of ${model.name}, trained on ${dataset.datasetName} version ${dataset.version}.` },
            subjects: subjectsOf({ modelVersionId, modelId, datasetVersionId, useCaseId: model.useCaseId }),
          },
          projectModelVersion,
        );
      });
    } catch (error) {
      if (!violates(error, 'model_version_artefact_once')) throw error;
      const other = await this.versions.byArtefact(context.projectId, modelId, digest);
      throw artefactAlreadyRegistered(model.name, other?.version, artefact.digest);
    }
  }

  async #filesOf(named: readonly DigestedFile[]): Promise<StoredFile[]> {
    const files: StoredFile[] = [];
    for (const { path, digest } of named) {
      const stored = await this.artefacts.find(digest);
      if (!stored) throw artefactNotFound(digest);
      const { head, tail } = await this.artefacts.ends(digest, LOOKED_AT_BYTES);
      files.push({ path, digest, sizeBytes: stored.sizeBytes, ...contentOf(path, head, tail) });
    }
    return files;
  }
}

/** What an event of a model version concerns. */
export const subjectsOf = (version: Pick<RegisterModelVersion, 'modelVersionId' | 'modelId' | 'datasetVersionId' | 'useCaseId'>): string[] => [
  `model:${version.modelId}`,
  `model-version:${version.modelVersionId}`,
  `dataset-version:${version.datasetVersionId}`,
  `use-case:${version.useCaseId}`,
];

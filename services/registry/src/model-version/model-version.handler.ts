import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled, type RecordedEvent } from '@vitae/event-store';
import { rootDigest, type DigestedFile } from '@vitae/model-signing';
import { because, type CommandContext, Ledger, violates, type ViewTransaction } from '@vitae/service-kit';
import { artefactNotFound } from '../artefact/artefact.ts';
import { ArtefactStore } from '../artefact/artefact.store.ts';
import { ProjectArtefacts } from '../artefact/project-artefacts.store.ts';
import { contentOf, LOOKED_AT_BYTES } from '../artefact/content.ts';
import { DatasetVersions } from '../dataset-version/dataset-versions.view.ts';
import { holdUsable, mustBeUsable } from '../dataset-version/usable.view.ts';
import { ofUseCase } from '../model/model.handler.ts';
import { modelNotFound, purposeMissing } from '../model/model.ts';
import { lockModelName, Models } from '../model/models.view.ts';
import { checkSignature, MOST_BUNDLE_BYTES, type CarriedBundle } from '../signature/signature-check.ts';
import { projectSignature } from '../signature/signatures.view.ts';
import { heldTrust } from '../signature/signing-trust.view.ts';
import { nextVersion, scopeOfModel } from '../version-counter.view.ts';
import { modelVersion } from './model-version.ts';
import { derivationOf, type SaidDerivation } from './derivation.ts';
import { basesOf } from './derivations.view.ts';
import type { RegisterModelVersion, StoredFile } from './model-version-command.ts';
import { artefactAlreadyRegistered, signatureRejected } from './model-version-refusal.ts';
import type { ModelVersionEvent } from './model-version-state.ts';
import { readInterface, type ModelInterface } from './onnx-model.store.ts';
import { lockBytes } from './version-bytes.view.ts';
import { projectModelVersion } from './version-rows.view.ts';
import { ModelVersions } from './versions.view.ts';

/** What the registering person says of a version; the rest is found out on the way. */
export interface ModelVersionDeclaration extends Pick<
  RegisterModelVersion,
  'modelVersionId' | 'modelId' | 'datasetVersionId' | 'source' | 'trainingMetrics' | 'contributors' | 'description' | 'artefactSource' | 'runId' | 'runLink' | 'tags'
> {
  readonly derivedFrom: readonly SaidDerivation[];
  /** The file that is opened as the model, and what else belongs to it. */
  readonly artefact: {
    readonly digest: string;
    readonly path: string;
    readonly format: 'onnx';
    readonly files: readonly DigestedFile[];
    /** A bundle of OpenSSF Model Signing over all of these files; its path if it lies among them. */
    readonly signature?: { readonly digest: string; readonly path?: string | undefined } | undefined;
  };
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
    private readonly brought: ProjectArtefacts,
    private readonly models: Models,
    private readonly datasets: DatasetVersions,
    private readonly versions: ModelVersions,
  ) {}

  async execute({ declaration, context }: ForModelVersion): Promise<Handled<ModelVersionEvent>> {
    const { modelVersionId, modelId, datasetVersionId, artefact } = declaration;
    const model = await this.models.byId(context.projectId, modelId);
    if (!model) throw modelNotFound(modelId);
    const { useCaseId } = model;
    if (!useCaseId) throw purposeMissing(model.name, modelId);
    const dataset = await mustBeUsable(this.datasets, context.projectId, datasetVersionId, NOT_BUILT);
    const files = await this.#filesOf(context.projectId, [artefact, ...artefact.files]);
    const digest = rootDigest(files);
    const bundle = artefact.signature && (await this.#bundle(context.projectId, artefact.signature));
    const at = new Date(context.occurredAt);
    // Before the model is opened: what nobody vouches for is not given to native code.
    const first = checkSignature(bundle, files, await heldTrust(this.ledger.sql, context.projectId), at);
    const said = first.is === 'rejected' ? undefined : await this.#opened(files, artefact);
    const stream = streamName(modelVersion.category, modelVersionId);
    const subjects = subjectsOf({ modelVersionId, modelId, datasetVersionId, useCaseId });
    try {
      const handled = await this.ledger.together(context, async (tx) => {
        // Again within the transaction that registers: nobody is distrusted in between.
        const check = said ? checkSignature(bundle, files, await heldTrust(tx.sql, context.projectId), at) : first;
        if (check.is === 'rejected') {
          const command = { type: 'RejectSignature', modelVersionId, modelId, modelName: model.name, artefactDigest: digest, bundleDigest: bundle?.digest ?? '', fault: check.fault, detail: check.detail } as const;
          return this.ledger.handleWithin(tx, modelVersion, { stream, command, context: because(context, `Does not register a version of ${model.name}: its signature does not count.`), subjects }, projectVersion);
        }
        const version = await nextVersion(tx.sql, scopeOfModel(modelId));
        const now = await lockModelName(tx.sql, context.projectId, modelId);
        if (!now || now.deleted) throw modelNotFound(modelId);
        await holdUsable(tx.sql, context.projectId, datasetVersionId, NOT_BUILT);
        const needed = [...files, ...(bundle ? [bundle] : [])].map((file) => file.digest);
        await lockBytes(tx.sql, needed, 'keep');
        for (const each of needed) if (!(await this.artefacts.find(each))) throw artefactNotFound(each); // purged just now
        return this.ledger.handleWithin(
          tx,
          modelVersion,
          {
            stream,
            command: {
              ...declaration,
              derivedFrom: derivationOf(declaration.derivedFrom, await basesOf(tx.sql, context.projectId, declaration.derivedFrom.map((base) => base.modelVersionId))),
              type: 'RegisterModelVersion',
              version,
              modelName: now.name,
              useCaseId,
              artefact: { digest, format: artefact.format, files },
              inputs: said?.inputs ?? [],
              outputs: said?.outputs ?? [],
              datasetDigest: dataset.digest,
              registeredBy: context.actor.onBehalfOf || context.actor.id,
              signature: check.is === 'verified' ? check.signature : undefined,
            },
            context: { ...context, reason: context.reason || `Registers version ${version} of ${model.name}, trained on ${dataset.datasetName} version ${dataset.version}.` },
            subjects,
          },
          projectVersion,
        );
      });
      for (const { event } of handled.events) if (event.$typeName === 'vitae.registry.v1.ModelVersionSignatureRejected') throw signatureRejected(event);
      return handled;
    } catch (error) {
      if (!violates(error, 'model_version_artefact_once')) throw error;
      const other = await this.versions.byArtefact(context.projectId, modelId, digest);
      throw artefactAlreadyRegistered(model.name, other?.version, artefact.digest);
    }
  }

  async #opened(files: readonly StoredFile[], { path, digest }: DigestedFile): Promise<ModelInterface> {
    await using checkedOut = await this.artefacts.checkOut(files);
    return await readInterface(checkedOut.pathOf(path), digest);
  }

  async #bundle(projectId: string, { digest, path = '' }: { readonly digest: string; readonly path?: string | undefined }): Promise<CarriedBundle> {
    const stored = await this.brought.find(projectId, digest);
    if (!stored) throw artefactNotFound(digest);
    return { digest, path, bytes: stored.sizeBytes > MOST_BUNDLE_BYTES ? undefined : await this.artefacts.whole(digest) };
  }

  async #filesOf(projectId: string, named: readonly DigestedFile[]): Promise<StoredFile[]> {
    const files: StoredFile[] = [];
    for (const { path, digest } of named) {
      const stored = await this.brought.find(projectId, digest);
      if (!stored) throw artefactNotFound(digest);
      const { head, tail } = await this.artefacts.ends(digest, LOOKED_AT_BYTES);
      files.push({ path, digest, sizeBytes: stored.sizeBytes, ...contentOf(path, head, tail) });
    }
    return files;
  }
}

const NOT_BUILT = 'no model version can be built on it';

async function projectVersion(tx: ViewTransaction, events: readonly RecordedEvent<ModelVersionEvent>[]): Promise<void> {
  await projectModelVersion(tx, events);
  await projectSignature(tx, events);
}

/** What an event of a model version concerns; what is not known of it is left out. */
export const subjectsOf = ({ modelVersionId, modelId, datasetVersionId, useCaseId }: { readonly modelVersionId: string; readonly modelId: string; readonly datasetVersionId?: string | null | undefined; readonly useCaseId?: string | null | undefined }): string[] => [
  `model:${modelId}`,
  `model-version:${modelVersionId}`,
  ...(datasetVersionId ? [`dataset-version:${datasetVersionId}`] : []),
  ...ofUseCase(useCaseId ?? ''),
];

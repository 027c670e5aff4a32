import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled } from '@vitae/event-store';
import { because, caughtUp, type CommandContext, Consumers, Ledger, violates, type ViewTransaction } from '@vitae/service-kit';
import { pinningsOf } from '../ai-system/pins.view.ts';
import { AliasRefused } from '../model/alias.ts';
import { ofUseCase, recordAliasRefusal } from '../model/model.handler.ts';
import { model, modelDeleted, modelNotFound, successorNotFound } from '../model/model.ts';
import { lockModel, projectModel, type LockedModel } from '../model/models.view.ts';
import { nextVersion, scopeOfModel } from '../version-counter.view.ts';
import { modelVersion } from './model-version.ts';
import type { ModelVersionChange, ModelVersionCommand } from './model-version-command.ts';
import { artefactAlreadyRegistered, modelVersionNotFound } from './model-version-refusal.ts';
import type { ModelVersionEvent } from './model-version-state.ts';
import { subjectsOf } from './model-version.handler.ts';
import { servingOf } from './traffic.view.ts';
import { lockVersion, type LockedVersion } from './locked-version.view.ts';
import { lockBytes, neededElsewhere } from './version-bytes.view.ts';
import { projectModelVersion } from './version-rows.view.ts';
import { ModelVersions } from './versions.view.ts';

/** What a caller wants of a version that is there; who serves and whose bytes they are is found here. */
export type ModelVersionOrder = Exclude<ModelVersionChange, { type: 'DeleteModelVersion' | 'PurgeModelVersion' }> | { readonly type: 'DeleteModelVersion' | 'PurgeModelVersion' };

/** Everything that happens to a version after its registration, which reads its file and so has a handler of its own. */
export class ForRegisteredModelVersion extends Command<Handled<ModelVersionEvent>> {
  constructor(
    readonly modelVersionId: string,
    readonly order: ModelVersionOrder,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForRegisteredModelVersion)
export class ModelVersionChangeHandler implements ICommandHandler<ForRegisteredModelVersion> {
  constructor(
    private readonly ledger: Ledger,
    private readonly versions: ModelVersions,
    private readonly consumers: Consumers,
  ) {}

  async execute({ modelVersionId, order, context }: ForRegisteredModelVersion): Promise<Handled<ModelVersionEvent>> {
    if (order.type === 'DeleteModelVersion' || order.type === 'PurgeModelVersion') await caughtUp(this.consumers); // with who serves
    if (order.type === 'DeprecateModelVersion') await this.#successorIsThere(context.projectId, order.successorModelVersionId);
    const known = await this.versions.byId(context.projectId, modelVersionId, 'show');
    if (!known) throw modelVersionNotFound(modelVersionId);
    try {
      return await this.ledger.together(context, async (tx) => {
        const [ofModel, version] = await lockBoth(tx, context.projectId, known.modelId, modelVersionId, order);
        if (ofModel.deleted && order.type !== 'PurgeModelVersion') throw modelDeleted(ofModel.name);
        const command = await commandOf(tx, order, ofModel, version);
        const attributed = because(context, reasonOf(order, `version ${version.version} of ${ofModel.name}`));
        const request = { stream: streamName(modelVersion.category, modelVersionId), command, context: attributed, subjects: subjectsOf(version), snapshot: version.snapshot };
        const handled = await this.ledger.handleWithin(tx, modelVersion, request, projectModelVersion);
        if (order.type === 'DeleteModelVersion') await this.#dropAliases(tx, ofModel, version, attributed);
        return handled;
      });
    } catch (error) {
      if (error instanceof AliasRefused) await recordAliasRefusal(this.ledger, known.modelId, error, 0, context);
      if (!violates(error, 'model_version_artefact_once')) throw error;
      const other = await this.versions.byArtefact(context.projectId, known.modelId, known.artefactDigest);
      throw artefactAlreadyRegistered(known.modelName, other?.version, known.artefactDigest);
    }
  }

  /** In the same commit: no alias names a version that is hidden. */
  async #dropAliases(tx: ViewTransaction, { snapshot }: LockedModel, version: LockedVersion, { expected: _ofTheVersion, ...context }: CommandContext): Promise<void> {
    const { modelId, modelVersionId, useCaseId } = version;
    await this.ledger.handleWithin(
      tx,
      model,
      {
        stream: streamName(model.category, modelId),
        command: { type: 'RemoveAliasesOf', modelVersionId, by: context.actor.id },
        context,
        subjects: [`model:${modelId}`, ...ofUseCase(useCaseId), `model-version:${modelVersionId}`],
        snapshot,
      },
      projectModel,
    );
  }

  async #successorIsThere(projectId: string, id: string): Promise<void> {
    if (id !== '' && !(await this.versions.byId(projectId, id))) throw successorNotFound(id);
  }
}

/**
 * In the order that everybody keeps: counter, model, version, bytes. With the counter, deletions and restorations wait for
 * registrations of the same model: which version has an artefact is decided in the ledger's order, and so the same in a rebuild.
 */
async function lockBoth({ sql }: ViewTransaction, projectId: string, modelId: string, modelVersionId: string, { type }: ModelVersionOrder): Promise<readonly [LockedModel, LockedVersion]> {
  if (type === 'DeleteModelVersion' || type === 'RestoreModelVersion') await nextVersion(sql, scopeOfModel(modelId));
  const ofModel = await lockModel(sql, projectId, modelId);
  if (!ofModel) throw modelNotFound(modelId);
  const version = await lockVersion(sql, projectId, modelVersionId);
  if (!version) throw modelVersionNotFound(modelVersionId);
  return [ofModel, version];
}

async function commandOf({ sql }: ViewTransaction, order: ModelVersionOrder, { deleted }: LockedModel, { modelVersionId, digests }: LockedVersion): Promise<ModelVersionCommand> {
  switch (order.type) {
    case 'DeleteModelVersion':
      return { type: 'DeleteModelVersion', serving: await servingOf(sql, { modelVersionId }), pinnedBy: await pinningsOf(sql, { modelVersionId }) };
    case 'PurgeModelVersion':
      await lockBytes(sql, digests, 'remove');
      return { type: 'PurgeModelVersion', modelDeleted: deleted, serving: await servingOf(sql, { modelVersionId }), pinnedBy: await pinningsOf(sql, { modelVersionId }), neededElsewhere: await neededElsewhere(sql, digests, modelVersionId) };
    default:
      return order;
  }
}

/** What is said of a change when the caller gives no reason. */
function reasonOf(order: ModelVersionOrder, version: string): string {
  switch (order.type) {
    case 'DescribeModelVersion':
      return `Describes ${version} anew.`;
    case 'TagModelVersion':
      return `Tags ${version} with ${order.key}.`;
    case 'RemoveModelVersionTag':
      return `Removes the tag ${order.key} from ${version}.`;
    case 'AssignStage':
      return `Puts ${version} into the stage ${order.stage}.`;
    case 'DeprecateModelVersion':
      return `Deprecates ${version}.`;
    case 'LiftModelVersionDeprecation':
      return `Lifts the deprecation of ${version}.`;
    case 'DeleteModelVersion':
      return `Deletes ${version}.`;
    case 'RestoreModelVersion':
      return `Restores ${version}.`;
    case 'PurgeModelVersion':
      return `Purges the bytes of ${version}.`;
  }
}

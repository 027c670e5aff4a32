import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled } from '@vitae/event-store';
import { because, type CommandContext, Ledger } from '@vitae/service-kit';
import { modelNotFound } from '../model/model.ts';
import { lockModelName } from '../model/models.view.ts';
import { nextVersion, scopeOfModel } from '../version-counter.view.ts';
import { modelVersion } from './model-version.ts';
import type { ReferenceModelVersion } from './model-version-command.ts';
import type { ModelVersionEvent } from './model-version-state.ts';
import { subjectsOf } from './model-version.handler.ts';
import { projectModelVersion } from './version-rows.view.ts';

/** What is said of a version whose artefact lies elsewhere. */
export type ModelVersionReference = Pick<
  ReferenceModelVersion,
  'modelVersionId' | 'modelId' | 'source' | 'location' | 'copiedFromModelVersionId' | 'runId' | 'runLink' | 'loggedModelId' | 'description' | 'tags'
>;

export class ForModelVersionReference extends Command<Handled<ModelVersionEvent>> {
  constructor(
    readonly reference: ModelVersionReference,
    readonly context: CommandContext,
  ) {
    super();
  }
}

/** Beside the registration of a version with its bytes: here is nothing to read and nothing to check. */
@CommandHandler(ForModelVersionReference)
export class ModelVersionReferenceHandler implements ICommandHandler<ForModelVersionReference> {
  constructor(private readonly ledger: Ledger) {}

  execute({ reference, context }: ForModelVersionReference): Promise<Handled<ModelVersionEvent>> {
    const { modelVersionId, modelId, location } = reference;
    return this.ledger.together(context, async (tx) => {
      const version = await nextVersion(tx.sql, scopeOfModel(modelId));
      const model = await lockModelName(tx.sql, context.projectId, modelId);
      if (!model || model.deleted) throw modelNotFound(modelId);
      const { name, useCaseId } = model;
      return this.ledger.handleWithin(
        tx,
        modelVersion,
        {
          stream: streamName(modelVersion.category, modelVersionId),
          command: { ...reference, type: 'ReferenceModelVersion', version, modelName: name, useCaseId, registeredBy: context.actor.id },
          context: because(context, `Registers version ${version} of ${name} by reference to ${location}.`),
          subjects: subjectsOf({ modelVersionId, modelId, useCaseId }),
          snapshot: { state: modelVersion.initial, revision: 0, latest: true }, // its id was made for this command
        },
        projectModelVersion,
      );
    });
  }
}

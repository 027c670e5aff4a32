import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled } from '@vitae/event-store';
import { because, type CommandContext, Ledger } from '@vitae/service-kit';
import { artefactNotFound } from '../artefact/artefact.ts';
import { ArtefactStore } from '../artefact/artefact.store.ts';
import { modelNotFound } from '../model/model.ts';
import { lockModel } from '../model/models.view.ts';
import { nextVersion, scopeOfModel } from '../version-counter.view.ts';
import { modelVersion, type ModelVersionEvent, type ReferenceModelVersion } from './model-version.ts';
import { subjectsOf } from './model-version.handler.ts';
import { lockBytes, projectModelVersion } from './versions.view.ts';

/** What is said of a version whose artefact lies elsewhere. */
export type ModelVersionReference = Pick<
  ReferenceModelVersion,
  'modelVersionId' | 'modelId' | 'source' | 'location' | 'copiedFromModelVersionId' | 'runId' | 'runLink' | 'loggedModelId' | 'description' | 'tags' | 'artefact' | 'code'
>;

export class ForModelVersionReference extends Command<Handled<ModelVersionEvent>> {
  constructor(
    readonly reference: ModelVersionReference,
    readonly context: CommandContext,
  ) {
    super();
  }
}

/** Beside the registration of a version with its bytes: nothing is opened here, and nothing checked but that its files, if it has any, are there. */
@CommandHandler(ForModelVersionReference)
export class ModelVersionReferenceHandler implements ICommandHandler<ForModelVersionReference> {
  constructor(
    private readonly ledger: Ledger,
    private readonly artefacts: ArtefactStore,
  ) {}

  execute({ reference, context }: ForModelVersionReference): Promise<Handled<ModelVersionEvent>> {
    const { modelVersionId, modelId, location, artefact } = reference;
    return this.ledger.together(context, async (tx) => {
      const version = await nextVersion(tx.sql, scopeOfModel(modelId));
      const model = await lockModel(tx.sql, context.projectId, modelId);
      if (!model || model.deleted) throw modelNotFound(modelId);
      const { name, useCaseId } = model;
      const needed = artefact?.files.map(({ digest }) => digest) ?? [];
      await lockBytes(tx.sql, needed, 'keep');
      for (const each of needed) if (!(await this.artefacts.find(each))) throw artefactNotFound(each); // purged just now
      return this.ledger.handleWithin(
        tx,
        modelVersion,
        {
          stream: streamName(modelVersion.category, modelVersionId),
          command: { ...reference, type: 'ReferenceModelVersion', version, modelName: name, useCaseId, registeredBy: context.actor.id },
          context: because(context, `Registers version ${version} of ${name} by reference to ${location}.`),
          subjects: subjectsOf({ modelVersionId, modelId, useCaseId }),
        },
        projectModelVersion,
      );
    });
  }
}

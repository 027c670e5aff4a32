import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled } from '@vitae/event-store';
import { because, type CommandContext, Ledger } from '@vitae/service-kit';
import { artefactNotFound } from '../artefact/artefact.ts';
import { ArtefactStore } from '../artefact/artefact.store.ts';
import { modelNotFound } from '../model/model.ts';
import { lockModelName } from '../model/models.view.ts';
import { nextVersion, scopeOfModel } from '../version-counter.view.ts';
import { modelVersion } from './model-version.ts';
import { derivationOf, type SaidDerivation } from './derivation.ts';
import { basesOf } from './derivations.view.ts';
import type { ModelVersionCommand, ReferenceModelVersion, RegisterExternalModelVersion } from './model-version-command.ts';
import type { ModelVersionEvent } from './model-version-state.ts';
import { subjectsOf } from './model-version.handler.ts';
import { lockBytes } from './version-bytes.view.ts';
import { projectModelVersion } from './version-rows.view.ts';

/** What is said of a version whose artefact lies elsewhere. */
export type ModelVersionReference = Pick<
  ReferenceModelVersion,
  'modelVersionId' | 'modelId' | 'source' | 'location' | 'copiedFromModelVersionId' | 'runId' | 'runLink' | 'loggedModelId' | 'description' | 'tags' | 'artefact' | 'code'
> & { readonly derivedFrom?: readonly SaidDerivation[] };

/** What is said of somebody else's model. */
export interface ExternalVersionDeclaration extends Omit<RegisterExternalModelVersion, 'type' | 'modelName' | 'useCaseId' | 'version' | 'registeredBy' | 'derivedFrom'> {
  readonly derivedFrom: readonly SaidDerivation[];
}

export class ForModelVersionReference extends Command<Handled<ModelVersionEvent>> {
  constructor(
    readonly said: { readonly is: 'reference'; readonly reference: ModelVersionReference } | { readonly is: 'external'; readonly external: ExternalVersionDeclaration },
    readonly context: CommandContext,
  ) {
    super();
  }
}

/** Beside the registration of a version with its bytes: nothing is opened here, and nothing looked up but the bases and, if it has files, whether they are there. */
@CommandHandler(ForModelVersionReference)
export class ModelVersionReferenceHandler implements ICommandHandler<ForModelVersionReference> {
  constructor(
    private readonly ledger: Ledger,
    private readonly artefacts: ArtefactStore,
  ) {}

  execute({ said, context }: ForModelVersionReference): Promise<Handled<ModelVersionEvent>> {
    const { modelVersionId, modelId, derivedFrom: bases = [] } = said.is === 'reference' ? said.reference : said.external;
    return this.ledger.together(context, async (tx) => {
      const version = await nextVersion(tx.sql, scopeOfModel(modelId));
      const model = await lockModelName(tx.sql, context.projectId, modelId);
      if (!model || model.deleted) throw modelNotFound(modelId);
      const { name, useCaseId } = model;
      const needed = said.is === 'reference' ? (said.reference.artefact?.files.map(({ digest }) => digest) ?? []) : [];
      await lockBytes(tx.sql, needed, 'keep');
      for (const each of needed) if (!(await this.artefacts.find(each))) throw artefactNotFound(each); // purged just now
      const derivedFrom = derivationOf(bases, await basesOf(tx.sql, context.projectId, bases.map((base) => base.modelVersionId)));
      const found = { version, modelName: name, useCaseId, registeredBy: context.actor.onBehalfOf || context.actor.id, derivedFrom };
      const command: ModelVersionCommand = said.is === 'reference' ? { ...said.reference, ...found, type: 'ReferenceModelVersion' } : { ...said.external, ...found, type: 'RegisterExternalModelVersion' };
      const of = said.is === 'reference' ? `by reference to ${said.reference.location}` : `as ${said.external.provider}'s ${said.external.providerModelId}`;
      return this.ledger.handleWithin(
        tx,
        modelVersion,
        {
          stream: streamName(modelVersion.category, modelVersionId),
          command,
          context: because(context, `Registers version ${version} of ${name} ${of}.`),
          subjects: subjectsOf({ modelVersionId, modelId, useCaseId }),
          snapshot: { state: modelVersion.initial, revision: 0, latest: true }, // its id was made for this command
        },
        projectModelVersion,
      );
    });
  }
}

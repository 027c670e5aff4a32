import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled } from '@vitae/event-store';
import { because, type CommandContext, Ledger, type ViewTransaction } from '@vitae/service-kit';
import { artefactNotFound } from '../artefact/artefact.ts';
import { ArtefactStore } from '../artefact/artefact.store.ts';
import { usedExperiment } from '../experiment/experiment.handler.ts';
import { experimentDeleted, experimentNotFound } from '../experiment/experiment.ts';
import { lockBytes } from '../model-version/version-bytes.view.ts';
import { placeOfLoggedModel } from '../run/artifact-place.ts';
import { admitFile } from '../run/file-admission.view.ts';
import { hasFiles } from '../run/logged-files.view.ts';
import { hexOf, uuidOfModel } from '../run/tracking-id.ts';
import { loggedModel, loggedModelNotFound, type CreateLoggedModel, type LoggedModelChange, type LoggedModelEvent } from './logged-model.ts';
import { lockLoggedModel, projectLoggedModel } from './logged-models.view.ts';

export type NewLoggedModel = Omit<CreateLoggedModel, 'artifactUri'>;

export class ForLoggedModel extends Command<Handled<LoggedModelEvent>> {
  constructor(
    readonly modelId: string,
    readonly order: NewLoggedModel | LoggedModelChange,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForLoggedModel)
export class LoggedModelHandler implements ICommandHandler<ForLoggedModel> {
  constructor(
    private readonly ledger: Ledger,
    private readonly artefacts: ArtefactStore,
  ) {}

  execute({ modelId, order, context }: ForLoggedModel): Promise<Handled<LoggedModelEvent>> {
    return this.ledger.together(context, async (tx) => {
      if (order.type === 'CreateLoggedModel') return this.#create(tx, order, context);
      const locked = await lockLoggedModel(tx.sql, context.projectId, modelId);
      if (!locked) throw loggedModelNotFound(modelId);
      const { stream, snapshot, experimentId, sourceRunId } = locked;
      if (snapshot.state.is === 'there' && !(await this.#isNews(tx, modelId, order))) return { stream, revision: snapshot.revision, events: [], replayed: false };
      return this.ledger.handleWithin(tx, loggedModel, { stream, command: order, context: because(context, reasonOf(order, modelId)), subjects: subjectsOf(modelId, experimentId, sourceRunId), snapshot }, projectLoggedModel);
    });
  }

  async #create(tx: ViewTransaction, order: NewLoggedModel, context: CommandContext): Promise<Handled<LoggedModelEvent>> {
    const { experimentId, modelId, name, sourceRunId } = order;
    const of = await usedExperiment(this.ledger, tx, experimentId, context);
    if (!of) throw experimentNotFound(experimentId);
    if (of.snapshot.state.is === 'deleted') throw experimentDeleted(experimentId);
    const artifactUri = placeOfLoggedModel({ projectId: context.projectId, id: experimentId, artifactLocation: of.artifactLocation }, modelId);
    const request = { stream: streamName(loggedModel.category, uuidOfModel(modelId) ?? ''), command: { ...order, artifactUri }, context: because(context, `Begins to log the model ${name}.`), subjects: subjectsOf(modelId, experimentId, sourceRunId) };
    return this.ledger.handleWithin(tx, loggedModel, request, projectLoggedModel);
  }

  async #isNews({ sql }: ViewTransaction, modelId: string, order: LoggedModelChange): Promise<boolean> {
    const id = uuidOfModel(modelId) ?? '';
    if (order.type === 'RemoveModelArtifact') return hasFiles(sql, id, order.path);
    if (order.type !== 'LogModelArtifact') return true;
    if (!(await admitFile(sql, id, order))) return false;
    await lockBytes(sql, [order.digest], 'keep');
    if (order.sizeBytes > 0 && !(await this.artefacts.find(order.digest))) throw artefactNotFound(order.digest); // purged just now
    return true;
  }
}

const subjectsOf = (modelId: string, experimentId: string, runId: string | null): string[] => [`logged-model:${modelId}`, `experiment:${experimentId}`, ...(runId ? [`run:${hexOf(runId)}`] : [])];

function reasonOf(order: LoggedModelChange, modelId: string): string {
  switch (order.type) {
    case 'LogModelParams':
      return `Logs params of the logged model ${modelId}.`;
    case 'FinalizeLoggedModel':
      return `Says that the logged model ${modelId} is ${order.status === 'LOGGED_MODEL_READY' ? 'whole' : 'not whole'}.`;
    case 'TagLoggedModel':
      return `Tags the logged model ${modelId}.`;
    case 'RemoveLoggedModelTag':
      return `Removes the tag ${order.key} from the logged model ${modelId}.`;
    case 'LogModelArtifact':
      return `Logs the file ${order.path} of the logged model ${modelId}.`;
    case 'RemoveModelArtifact':
      return `Removes ${order.path || 'all files'} of the logged model ${modelId}.`;
    case 'DeleteLoggedModel':
      return `Deletes the logged model ${modelId}.`;
  }
}

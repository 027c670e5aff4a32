import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Refused, streamName, type Handled } from '@vitae/event-store';
import { because, type CommandContext, Ledger, type ViewTransaction } from '@vitae/service-kit';
import { artefactNotFound } from '../artefact/artefact.ts';
import { ArtefactStore } from '../artefact/artefact.store.ts';
import { usedExperiment } from '../experiment/experiment.handler.ts';
import { experimentDeleted, experimentNotFound } from '../experiment/experiment.ts';
import { lockBytes } from '../model-version/version-bytes.view.ts';
import { placeOfRun } from './artifact-place.ts';
import { admitFile, type FileToLog } from './file-admission.view.ts';
import { hasFiles } from './logged-files.view.ts';
import { newPoints } from './metrics.view.ts';
import { run, runDeleted, runNotFound, type RunChange, type RunCommand, type RunEvent, type StartRun } from './run.ts';
import { datasetsRead, lockRun, projectRun, type LockedRun } from './runs.view.ts';
import { uuidOf } from './tracking-id.ts';

/** What a caller wants of a run that is there; what it has logged already is found here. */
export type RunOrder =
  | Exclude<RunChange, { readonly type: 'LogRunArtifact' }>
  /** Notes a model in the tag that older clients of MLflow read. */
  | { readonly type: 'RecordModel'; readonly model: object }
  /** Its bytes MUST be in the store already. */
  | ({ readonly type: 'LogRunArtifact' } & FileToLog);

export type NewRun = Omit<StartRun, 'artifactUri'>;

export class ForRun extends Command<Handled<RunEvent>> {
  constructor(
    readonly runId: string,
    readonly order: NewRun | RunOrder,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForRun)
export class RunHandler implements ICommandHandler<ForRun> {
  constructor(
    private readonly ledger: Ledger,
    private readonly artefacts: ArtefactStore,
  ) {}

  execute({ runId, order, context }: ForRun): Promise<Handled<RunEvent>> {
    return this.ledger.together(context, async (tx) => {
      if (order.type === 'StartRun') return this.#start(tx, order, context);
      const locked = await lockRun(tx.sql, context.projectId, runId);
      if (!locked) throw runNotFound(runId);
      const stands = locked.snapshot.state;
      // Here and not in decide: that its experiment is gone is no event of the run. What is refused needs no further look.
      if (order.type !== 'DeleteRun' && order.type !== 'RestoreRun' && (locked.experimentDeleted || stands.is === 'deleted')) throw runDeleted(runId);
      const command = await this.#command(tx, runId, order, locked);
      if (!command) return { stream: locked.stream, revision: locked.snapshot.revision, events: [], replayed: false };
      const subjects = [`run:${runId}`, `experiment:${locked.experimentId}`, ...modelsIn(command).map((id) => `logged-model:${id}`)];
      return this.ledger.handleWithin(tx, run, { stream: locked.stream, command, context: because(context, reasonOf(command, runId)), subjects, snapshot: locked.snapshot }, projectRun);
    });
  }

  async #start(tx: ViewTransaction, order: NewRun, context: CommandContext): Promise<Handled<RunEvent>> {
    const { experimentId, runId } = order;
    const of = await usedExperiment(this.ledger, tx, experimentId, context);
    if (!of) throw experimentNotFound(experimentId);
    if (of.snapshot.state.is === 'deleted') throw experimentDeleted(experimentId);
    const artifactUri = placeOfRun({ projectId: context.projectId, id: experimentId, artifactLocation: of.artifactLocation }, runId);
    const request = { stream: streamName(run.category, uuidOf(runId) ?? ''), command: { ...order, artifactUri }, context: because(context, `Starts the run ${order.name}.`), subjects: [`run:${runId}`, `experiment:${experimentId}`] };
    return this.ledger.handleWithin(tx, run, request, projectRun);
  }

  /** Undefined: what is wished is true already. */
  async #command({ sql }: ViewTransaction, runId: string, order: RunOrder, locked: LockedRun): Promise<RunCommand | undefined> {
    const state = locked.snapshot.state;
    switch (order.type) {
      case 'LogToRun':
        return { ...order, metrics: await newPoints(sql, runId, order.metrics) };
      case 'RecordModel':
        return { type: 'LogToRun', metrics: [], params: [], tags: [{ key: HISTORY_TAG, value: withModel(state.is === 'none' ? undefined : state.tags.get(HISTORY_TAG), order.model) }] };
      case 'LogInputs': {
        const read = order.datasets.length === 0 ? new Set<string>() : await datasetsRead(sql, runId);
        const datasets = order.datasets.filter(({ name, digest }, i, all) => !read.has(JSON.stringify([name, digest])) && all.findIndex((one) => one.name === name && one.digest === digest) === i);
        return { ...order, datasets, modelIds: [...new Set(order.modelIds)].filter((id) => !locked.modelInputs.includes(id)) };
      }
      case 'LogOutputs':
        return { ...order, models: order.models.filter(({ modelId, step }) => !locked.modelOutputs.some((one) => one.modelId === modelId && one.step === step)) };
      case 'LogRunArtifact': {
        const added = await admitFile(sql, uuidOf(runId) ?? '', order);
        if (!added) return undefined;
        await lockBytes(sql, [order.digest], 'keep');
        if (order.sizeBytes > 0 && !(await this.artefacts.find(order.digest))) throw artefactNotFound(order.digest); // purged just now
        return order;
      }
      case 'RemoveRunArtifact':
        return (await hasFiles(sql, uuidOf(runId) ?? '', order.path)) ? order : undefined;
      default:
        return order;
    }
  }
}

const HISTORY_TAG = 'mlflow.log-model.history';
const LONGEST_HISTORY = 90_000;

function withModel(history: string | undefined, model: object): string {
  let before: unknown;
  try {
    before = JSON.parse(history ?? '[]');
  } catch {
    before = []; // somebody wrote another text under the key
  }
  const text = JSON.stringify([...(Array.isArray(before) ? before : []), model]);
  if (text.length > LONGEST_HISTORY) throw new Refused('MODEL_HISTORY_FULL', `The tag ${HISTORY_TAG} of the run holds no more models. Log them as logged models.`, 422);
  return text;
}

function modelsIn(command: RunCommand): readonly string[] {
  switch (command.type) {
    case 'LogToRun':
      return [...new Set(command.metrics.flatMap(({ modelId }) => (modelId === '' ? [] : [modelId])))].slice(0, 100);
    case 'LogInputs':
      return command.modelIds.slice(0, 100);
    case 'LogOutputs':
      return [...new Set(command.models.map(({ modelId }) => modelId))].slice(0, 100);
    default:
      return [];
  }
}

function reasonOf(command: RunCommand, runId: string): string {
  switch (command.type) {
    case 'LogToRun':
      return `Logs what the run ${runId} says of itself.`;
    case 'RemoveRunTag':
      return `Removes the tag ${command.key} from the run ${runId}.`;
    case 'LogInputs':
      return `Logs what the run ${runId} read.`;
    case 'LogOutputs':
      return `Logs which models the run ${runId} made.`;
    case 'UpdateRun':
      return `Says how the run ${runId} stands.`;
    case 'LogRunArtifact':
      return `Logs the file ${command.path} of the run ${runId}.`;
    case 'RemoveRunArtifact':
      return `Removes ${command.path || 'all files'} of the run ${runId}.`;
    case 'DeleteRun':
      return `Deletes the run ${runId}.`;
    case 'RestoreRun':
      return `Restores the run ${runId}.`;
    case 'StartRun':
      return `Starts the run ${command.name}.`;
  }
}

import { Controller, Delete, Get, HttpCode, Param, Patch, Post, UseFilters } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiExcludeController } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { type CommandContext, InProject, Needs } from '@vitae/service-kit';
import { v7 as uuidv7 } from 'uuid';
import { ForLoggedModel } from '../logged-model/logged-model.handler.ts';
import { LOGGED_MODEL_STATUSES, loggedModelNotFound, type LoggedModelChange, type LoggedModelStatus } from '../logged-model/logged-model.ts';
import { LoggedModels, type DatasetWish } from '../logged-model/logged-models.view.ts';
import type { LoggedModelShown } from '../run/tracked.ts';
import { LoggedFiles } from '../run/logged-files.view.ts';
import { Metrics } from '../run/metrics.view.ts';
import { Runs } from '../run/runs.view.ts';
import { runNotFound, type KeyValue } from '../run/run.ts';
import { modelIdOf } from '../run/tracking-id.ts';
import { at } from './addresses.ts';
import { listed, listedPath } from './listing.ts';
import { Call, type MlflowCall } from './mlflow-call.handler.ts';
import { invalid } from './mlflow-error.ts';
import { MlflowErrorFilter } from './mlflow-error.filter.ts';
import { mlflowProject } from './mlflow-project.ts';
import { boundedText, limitOf, listOf, parameterText, requiredText, textOf, type Parameters } from './parameters.ts';
import { eachOnce, experimentIdOf, loggedModelIdOf, MOST_METRICS, objectsOf, paramOf, runTagOf } from './tracking-parameters.ts';
import { distinct, loggedModelClauses, loggedModelSort } from './tracking-search.ts';
import { loggedModelOnWire } from './tracking-wire.ts';

/** MLflow's logged models: what a run put down, before it is registered. */
@ApiExcludeController()
@UseFilters(MlflowErrorFilter)
@Controller(at('mlflow/logged-models'))
@Needs('registry.read')
@InProject(mlflowProject)
export class MlflowLoggedModelsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly models: LoggedModels,
    private readonly metrics: Metrics,
    private readonly runs: Runs,
    private readonly files: LoggedFiles,
  ) {}

  @Post()
  @Needs('run.track')
  @HttpCode(200)
  async create(@Call() { context, parameters }: MlflowCall) {
    const id = uuidv7();
    const sourceRunId = textOf(parameters, 'source_run_id');
    if (sourceRunId !== '' && !(await this.runs.byId(context.projectId, sourceRunId))) throw runNotFound(sourceRunId.slice(0, 100));
    const order = {
      type: 'CreateLoggedModel' as const,
      modelId: modelIdOf(id),
      experimentId: experimentIdOf(parameters),
      name: modelName(boundedText(parameters, 'name', 500)) || `model-${modelIdOf(id).slice(-8)}`,
      modelType: boundedText(parameters, 'model_type', 500),
      sourceRunId,
      params: distinctParams(parameters),
      tags: eachOnce(objectsOf(parameters, 'tags').map(runTagOf)),
    };
    const handled = await this.commands.execute(new ForLoggedModel(order.modelId, order, context));
    return this.#shown(context, modelIdOf(aggregateId(handled.stream)));
  }

  @Post('search')
  @HttpCode(200)
  async search(@Call() { context: { projectId }, parameters }: MlflowCall) {
    const sort = objectsOf(parameters, 'order_by').map((one) => ({ ...loggedModelSort(requiredText(one, 'field_name')), direction: one['ascending'] === false ? ('desc' as const) : ('asc' as const), dataset: datasetOf(one) }));
    const page = await this.models.search(projectId, {
      experimentIds: listOf(parameters, 'experiment_ids').map(parameterText),
      clauses: loggedModelClauses(boundedText(parameters, 'filter', 8_000)),
      datasets: objectsOf(parameters, 'datasets').slice(0, 101).map((one) => datasetOf(one) ?? noDataset()),
      sort: distinct(sort),
      limit: limitOf(parameters, 100, 1_000),
      after: textOf(parameters, 'page_token'),
    });
    const metrics = await this.metrics.ofModels(page.items.map(({ id }) => modelIdOf(id)));
    return { models: page.items.map((one) => loggedModelOnWire(one, metrics)), ...(page.next === undefined ? {} : { next_page_token: page.next }) };
  }

  @Get(':modelId')
  get(@Call() { context, parameters }: MlflowCall, @Param('modelId') said: string) {
    const flag = textOf(parameters, 'allow_deleted');
    return this.#shown(context, said, flag === 'true');
  }

  @Patch(':modelId')
  @Needs('run.track')
  async finalize(@Call() call: MlflowCall, @Param('modelId') said: string) {
    await this.#change(call, said, { type: 'FinalizeLoggedModel', status: statusOf(requiredText(call.parameters, 'status')) });
    return this.#shown(call.context, said);
  }

  @Delete(':modelId')
  @Needs('run.track')
  async delete(@Call() call: MlflowCall, @Param('modelId') said: string) {
    await this.#change(call, said, { type: 'DeleteLoggedModel' });
    return {};
  }

  @Post(':modelId/params')
  @Needs('run.track')
  @HttpCode(200)
  async logParams(@Call() call: MlflowCall, @Param('modelId') said: string) {
    await this.#change(call, said, { type: 'LogModelParams', params: distinctParams(call.parameters) });
    return {};
  }

  @Patch(':modelId/tags')
  @Needs('run.track')
  async setTags(@Call() call: MlflowCall, @Param('modelId') said: string) {
    await this.#change(call, said, { type: 'TagLoggedModel', tags: eachOnce(objectsOf(call.parameters, 'tags').map(runTagOf)) });
    return this.#shown(call.context, said);
  }

  @Delete(':modelId/tags/*key')
  @Needs('run.track')
  async deleteTag(@Call() call: MlflowCall, @Param('modelId') said: string, @Param('key') key: string | readonly string[]) {
    await this.#change(call, said, { type: 'RemoveLoggedModelTag', key: parameterText(typeof key === 'string' ? key : key.join('/')) });
    return {};
  }

  @Get(':modelId/artifacts/directories')
  async artifacts(@Call() { context, parameters }: MlflowCall, @Param('modelId') said: string) {
    const model = await this.#model(context, said);
    const path = listedPath(textOf(parameters, 'artifact_directory_path'));
    const files = listed(await this.files.under(model.id, path), path);
    return { root_uri: model.artifactUri, files: files.map((file) => ({ ...file, path: path === '' ? file.path : `${path}/${file.path}` })) };
  }

  async #model({ projectId }: Pick<CommandContext, 'projectId'>, said: string, deleted = false): Promise<LoggedModelShown> {
    const found = await this.models.byId(projectId, said);
    if (!found || (found.deleted && !deleted)) throw loggedModelNotFound(said.slice(0, 100));
    return found;
  }

  async #shown(context: CommandContext, modelId: string, deleted = false) {
    const model = await this.#model(context, modelId, deleted);
    return { model: loggedModelOnWire(model, await this.metrics.ofModels([modelId])) };
  }

  async #change({ context }: MlflowCall, said: string, change: LoggedModelChange): Promise<void> {
    await this.commands.execute(new ForLoggedModel(loggedModelIdOf(said), change, context));
  }
}

function modelName(name: string): string {
  if (/[/:.%"']/.test(name)) throw invalid(`Invalid model name ('${name.slice(0, 200)}') provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '"', "'").`);
  return name;
}

function distinctParams(parameters: Parameters): readonly KeyValue[] {
  const params = objectsOf(parameters, 'params').map(paramOf);
  if (params.length > MOST_METRICS) throw invalid(`A request can contain at most ${MOST_METRICS} params. Got ${params.length}.`);
  if (eachOnce(params).length < params.length) throw invalid('Duplicate parameter keys have been submitted. Please ensure the request contains only one param value per param key.');
  return params;
}

/** By name or by number, as protobuf has both. */
function statusOf(said: string): LoggedModelStatus {
  const found = LOGGED_MODEL_STATUSES.find((one, i) => one === said || String(i + 1) === said);
  if (!found) throw invalid(`Invalid value '${said.slice(0, 100)}' for parameter 'status' supplied: it is one of ${LOGGED_MODEL_STATUSES.join(', ')}.`);
  return found;
}

function datasetOf(parameters: Parameters): DatasetWish | undefined {
  const [name, digest] = [boundedText(parameters, 'dataset_name', 500), boundedText(parameters, 'dataset_digest', 100)];
  return name === '' ? undefined : { name, digest: digest === '' ? undefined : digest };
}

function noDataset(): never {
  throw invalid('`dataset_name` in the `datasets` clause must be specified.');
}

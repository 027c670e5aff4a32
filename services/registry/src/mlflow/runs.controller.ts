import { Controller, Get, HttpCode, Post, UseFilters } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiExcludeController } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { type CommandContext, InProject, Needs } from '@vitae/service-kit';
import { v7 as uuidv7 } from 'uuid';
import { LoggedFiles } from '../run/logged-files.view.ts';
import { Metrics } from '../run/metrics.view.ts';
import { ForRun, type RunOrder } from '../run/run.handler.ts';
import { RUN_NAME_TAG, RUN_STATUSES, runNotFound, type KeyValue, type RunStatus } from '../run/run.ts';
import { Runs } from '../run/runs.view.ts';
import type { RunShown } from '../run/tracked.ts';
import { hexOf } from '../run/tracking-id.ts';
import { at } from './addresses.ts';
import { listedPath, listed } from './listing.ts';
import { Call, type MlflowCall } from './mlflow-call.handler.ts';
import { invalid, parameterMissing } from './mlflow-error.ts';
import { MlflowErrorFilter } from './mlflow-error.filter.ts';
import { mlflowProject } from './mlflow-project.ts';
import { boundedText, limitOf, listOf, parametersOf, parameterText, requiredText, textOf, type Parameters } from './parameters.ts';
import { datasetOf, eachOnce, experimentIdOf, integerOf, isRunId, loggedModelIdOf, MOST_METRICS, MOST_PARAMS_OR_TAGS, objectsOf, paramOf, pointOf, runIdOf, runTagOf, timeOf, viewOf } from './tracking-parameters.ts';
import { runClauses, runSort } from './tracking-search.ts';
import { metricOnWire, runInfo, runOnWire } from './tracking-wire.ts';

/** Points of a metric in one answer, unless fewer are wished: what MLflow's client asks for at a time. */
const MOST_POINTS = 25_000;

/** MLflow's runs: what they are set to, measure, read and make. */
@ApiExcludeController()
@UseFilters(MlflowErrorFilter)
@Controller(at('mlflow'))
@Needs('registry.read')
@InProject(mlflowProject)
export class MlflowRunsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly runs: Runs,
    private readonly metrics: Metrics,
    private readonly files: LoggedFiles,
  ) {}

  @Post('runs/create')
  @Needs('run.track')
  @HttpCode(200)
  async create(@Call() { context, parameters }: MlflowCall) {
    const tags = eachOnce(objectsOf(parameters, 'tags').map(runTagOf));
    const id = uuidv7();
    const name = nameOf(boundedText(parameters, 'run_name', 250), tags) || `run-${hexOf(id).slice(-8)}`;
    const order = {
      type: 'StartRun' as const,
      runId: hexOf(id),
      experimentId: experimentIdOf(parameters, '0'),
      name,
      userId: boundedText(parameters, 'user_id', 256),
      startedAt: timeOf(parameters, 'start_time') ?? Date.parse(context.occurredAt),
      tags: eachOnce([...tags, { key: RUN_NAME_TAG, value: name }]),
    };
    const handled = await this.commands.execute(new ForRun(order.runId, order, context));
    return { run: runOnWire(await this.#run(context, hexOf(aggregateId(handled.stream)))) };
  }

  @Get('runs/get')
  async get(@Call() { context, parameters }: MlflowCall) {
    return { run: runOnWire(await this.#run(context, runIdOf(parameters))) };
  }

  @Post('runs/update')
  @Needs('run.track')
  @HttpCode(200)
  async update(@Call() call: MlflowCall) {
    const { parameters } = call;
    const name = textOf(parameters, 'run_name') === '' ? undefined : boundedText(parameters, 'run_name', 250);
    await this.#change(call, { type: 'UpdateRun', status: statusOf(parameters), endedAt: timeOf(parameters, 'end_time'), name });
    return { run_info: runInfo(await this.#run(call.context, runIdOf(parameters))) };
  }

  @Post('runs/delete')
  @Needs('run.track')
  @HttpCode(200)
  delete(@Call() call: MlflowCall) {
    return this.#change(call, { type: 'DeleteRun' });
  }

  @Post('runs/restore')
  @Needs('run.track')
  @HttpCode(200)
  restore(@Call() call: MlflowCall) {
    return this.#change(call, { type: 'RestoreRun' });
  }

  @Post('runs/search')
  @HttpCode(200)
  async search(@Call() { context: { projectId }, parameters }: MlflowCall) {
    const page = await this.runs.search(projectId, {
      experimentIds: listOf(parameters, 'experiment_ids').map(parameterText),
      clauses: runClauses(boundedText(parameters, 'filter', 8_000)),
      sort: runSort(listOf(parameters, 'order_by')),
      view: viewOf(parameters, 'run_view_type'),
      limit: limitOf(parameters, 1_000, 50_000),
      after: textOf(parameters, 'page_token'),
    });
    return { runs: page.items.map(runOnWire), ...(page.next === undefined ? {} : { next_page_token: page.next }) };
  }

  @Post('runs/log-metric')
  @Needs('run.track')
  @HttpCode(200)
  logMetric(@Call() call: MlflowCall) {
    return this.#change(call, { type: 'LogToRun', metrics: [pointOf(call.parameters)], params: [], tags: [] });
  }

  @Post('runs/log-parameter')
  @Needs('run.track')
  @HttpCode(200)
  logParam(@Call() call: MlflowCall) {
    return this.#change(call, { type: 'LogToRun', metrics: [], params: [paramOf(call.parameters)], tags: [] });
  }

  @Post('runs/set-tag')
  @Needs('run.track')
  @HttpCode(200)
  setTag(@Call() call: MlflowCall) {
    return this.#change(call, { type: 'LogToRun', metrics: [], params: [], tags: [runTagOf(call.parameters)] });
  }

  @Post('runs/delete-tag')
  @Needs('run.track')
  @HttpCode(200)
  deleteTag(@Call() call: MlflowCall) {
    return this.#change(call, { type: 'RemoveRunTag', key: parameterText(requiredText(call.parameters, 'key')) });
  }

  /** All or nothing. */
  @Post('runs/log-batch')
  @Needs('run.track')
  @HttpCode(200)
  logBatch(@Call() call: MlflowCall) {
    const [metrics, params, tags] = [objectsOf(call.parameters, 'metrics'), objectsOf(call.parameters, 'params'), objectsOf(call.parameters, 'tags')];
    atMost('metrics', metrics, MOST_METRICS);
    atMost('params', params, MOST_PARAMS_OR_TAGS);
    atMost('tags', tags, MOST_PARAMS_OR_TAGS);
    atMost('metrics, params, and tags', [...metrics, ...params, ...tags], MOST_METRICS);
    return this.#change(call, { type: 'LogToRun', metrics: metrics.map(pointOf), params: distinctParams(params.map(paramOf)), tags: eachOnce(tags.map(runTagOf)) });
  }

  @Post('runs/log-model')
  @Needs('run.track')
  @HttpCode(200)
  logModel(@Call() call: MlflowCall) {
    return this.#change(call, { type: 'RecordModel', model: modelIn(requiredText(call.parameters, 'model_json')) });
  }

  @Post('runs/log-inputs')
  @Needs('run.track')
  @HttpCode(200)
  logInputs(@Call() call: MlflowCall) {
    const datasets = objectsOf(call.parameters, 'datasets');
    const models = objectsOf(call.parameters, 'models');
    atMost('dataset and model inputs', [...datasets, ...models], MOST_METRICS);
    return this.#change(call, { type: 'LogInputs', datasets: datasets.map(datasetOf), modelIds: models.map((one) => loggedModelIdOf(requiredText(one, 'model_id'))) });
  }

  @Post('runs/outputs')
  @Needs('run.track')
  @HttpCode(200)
  logOutputs(@Call() call: MlflowCall) {
    const models = objectsOf(call.parameters, 'models');
    atMost('model outputs', models, MOST_METRICS);
    return this.#change(call, { type: 'LogOutputs', models: models.map((one) => ({ modelId: loggedModelIdOf(requiredText(one, 'model_id')), step: integerOf(one, 'step') ?? 0 })) });
  }

  @Get('metrics/get-history')
  async history(@Call() { context, parameters }: MlflowCall) {
    const key = parameterText(requiredText(parameters, 'metric_key'));
    const { id } = await this.#run(context, runIdOf(parameters));
    const page = await this.metrics.history(hexOf(id), key, limitOf(parameters, MOST_POINTS, MOST_POINTS), textOf(parameters, 'page_token'));
    return { metrics: page.items.map(metricOnWire), ...(page.next === undefined ? {} : { next_page_token: page.next }) };
  }

  @Get(['metrics/get-history-bulk', 'metrics/get-history-bulk-interval'])
  async sampledHistory(@Call() { context, parameters }: MlflowCall) {
    const runIds = [...listOf(parameters, 'run_ids'), ...listOf(parameters, 'run_id')];
    if (runIds.length === 0) throw parameterMissing('run_ids');
    if (runIds.length > 100) throw invalid(`GetMetricHistoryBulkInterval request must specify at most 100 run_ids. Received ${runIds.length} run_ids.`);
    const key = parameterText(requiredText(parameters, 'metric_key'));
    const [from, to] = [integerOf(parameters, 'start_step'), integerOf(parameters, 'end_step')];
    if ((from === undefined) !== (to === undefined) || (from !== undefined && to !== undefined && from > to)) throw invalid('If either start step or end step are specified, both must be specified, and end_step must not be before start_step.');
    const points = await this.metrics.sampled(context.projectId, runIds.filter(isRunId), key, { from, to, most: limitOf(parameters, 320, 2_500) });
    return { metrics: points.map(metricOnWire) };
  }

  @Get('artifacts/list')
  async artifacts(@Call() { context, parameters }: MlflowCall) {
    const run = await this.#run(context, runIdOf(parameters));
    const path = listedPath(textOf(parameters, 'path'));
    const files = listed(await this.files.under(run.id, path), path);
    return { root_uri: run.artifactUri, files: files.map((file) => ({ ...file, path: path === '' ? file.path : `${path}/${file.path}` })) };
  }

  async #run({ projectId }: Pick<CommandContext, 'projectId'>, runId: string): Promise<RunShown> {
    const found = await this.runs.byId(projectId, runId);
    if (!found) throw runNotFound(runId.slice(0, 100));
    return found;
  }

  async #change({ context, parameters }: MlflowCall, order: RunOrder): Promise<object> {
    const runId = runIdOf(parameters);
    if (!isRunId(runId)) throw runNotFound(runId.slice(0, 100));
    await this.commands.execute(new ForRun(runId, order, context));
    return {};
  }
}

function atMost(what: string, list: readonly unknown[], most: number): void {
  if (list.length > most) throw invalid(`A batch logging request can contain at most ${most} ${what}. Got ${list.length} ${what}. Please split up ${what} across multiple requests and try again.`);
}

/** The same key with the same value twice is one. */
function distinctParams(params: readonly KeyValue[]): readonly KeyValue[] {
  const twice = params.filter(({ key }, i) => params.findIndex((one) => one.key === key) !== i).map(({ key }) => key);
  if (twice.length > 0) throw invalid(`Duplicate parameter keys have been submitted: ${[...new Set(twice)].join(', ').slice(0, 500)}. Please ensure the request contains only one param value per param key.`);
  return params;
}

/** The name is told twice, and has to be the same. */
function nameOf(said: string, tags: readonly KeyValue[]): string {
  const tagged = tags.find(({ key }) => key === RUN_NAME_TAG)?.value ?? '';
  if (said !== '' && tagged !== '' && said !== tagged) throw invalid(`Both 'run_name' argument and '${RUN_NAME_TAG}' tag are specified, but with different values (run_name='${said}', ${RUN_NAME_TAG}='${tagged.slice(0, 250)}').`);
  const name = said || tagged;
  if (name.length > 250) throw invalid('The name of a run has at most 250 characters.');
  return name;
}

/** By name or by number, as protobuf has both. */
function statusOf(parameters: Parameters): RunStatus | undefined {
  const said = textOf(parameters, 'status');
  if (said === '') return undefined;
  const found = RUN_STATUSES.find((one, i) => one === said || String(i + 1) === said);
  if (!found) throw invalid(`Invalid value '${said.slice(0, 100)}' for parameter 'status' supplied: it is one of ${RUN_STATUSES.join(', ')}.`);
  return found;
}

function modelIn(text: string): object {
  let model: unknown;
  try {
    model = JSON.parse(text);
  } catch {
    throw invalid("Malformed model info in 'model_json': it is not JSON.");
  }
  const said = parametersOf(model);
  const missing = ['artifact_path', 'flavors', 'utc_time_created', 'run_id'].filter((name) => !(name in said));
  if (missing.length > 0) throw invalid(`Model json is missing mandatory fields: ${missing.join(', ')}`);
  return said;
}

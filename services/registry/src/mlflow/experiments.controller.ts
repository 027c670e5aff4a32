import { Controller, Get, HttpCode, Post, UseFilters } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiExcludeController } from '@nestjs/swagger';
import { aggregateId, Refused } from '@vitae/event-store';
import { InProject, Needs } from '@vitae/service-kit';
import { v7 as uuidv7 } from 'uuid';
import { ForExperiment } from '../experiment/experiment.handler.ts';
import { DEFAULT_EXPERIMENT, DEFAULT_EXPERIMENT_NAME, experimentNotFound, type ExperimentChange } from '../experiment/experiment.ts';
import { Experiments } from '../experiment/experiments.view.ts';
import type { ExperimentShown } from '../run/tracked.ts';
import { hexOf } from '../run/tracking-id.ts';
import { Runs } from '../run/runs.view.ts';
import { at } from './addresses.ts';
import { Call, type MlflowCall } from './mlflow-call.handler.ts';
import { invalid, MlflowError } from './mlflow-error.ts';
import { MlflowErrorFilter } from './mlflow-error.filter.ts';
import { mlflowProject } from './mlflow-project.ts';
import { boundedText, limitOf, listOf, parameterText, requiredText, textOf } from './parameters.ts';
import { eachOnce, experimentIdOf, experimentTagOf, objectsOf, viewOf } from './tracking-parameters.ts';
import { experimentClauses, experimentSort } from './tracking-search.ts';
import { experimentOnWire } from './tracking-wire.ts';

/** What one answer may hold of experiments or runs. */
const MOST = 50_000;

/** MLflow's experiments. Every project has one from the start, `0`. */
@ApiExcludeController()
@UseFilters(MlflowErrorFilter)
@Controller(at('mlflow/experiments'))
@Needs('registry.read')
@InProject(mlflowProject)
export class MlflowExperimentsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly experiments: Experiments,
    private readonly runs: Runs,
  ) {}

  @Post('create')
  @Needs('run.track')
  @HttpCode(200)
  async create(@Call() { context, parameters }: MlflowCall) {
    const name = experimentName(requiredText(parameters, 'name'));
    const artifactLocation = locationOf(boundedText(parameters, 'artifact_location', 2_000));
    const tags = eachOnce(objectsOf(parameters, 'tags').map(experimentTagOf));
    const experimentId = hexOf(uuidv7());
    if (name === DEFAULT_EXPERIMENT_NAME) await this.#nobodyHas(context.projectId, name);
    const handled = await this.#named(name, () => this.commands.execute(new ForExperiment(experimentId, { type: 'CreateExperiment', experimentId, name, artifactLocation, tags }, context)));
    return { experiment_id: hexOf(aggregateId(handled.stream)) }; // not the id made above: a replay answers with the first one's
  }

  @Get('get')
  async get(@Call() call: MlflowCall) {
    return { experiment: experimentOnWire(await this.#experiment(call)) };
  }

  @Get('get-by-name')
  async byName(@Call() { context, parameters }: MlflowCall) {
    const name = requiredText(parameters, 'experiment_name');
    const found = await this.experiments.byName(context.projectId, parameterText(name));
    if (!found) throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `Could not find experiment with name '${name.slice(0, 500)}'`);
    return { experiment: experimentOnWire(found) };
  }

  @Post('search')
  @HttpCode(200)
  searchAsked(@Call() call: MlflowCall) {
    return this.search(call);
  }

  @Get('search')
  async search(@Call() { context: { projectId }, parameters }: MlflowCall) {
    const page = await this.experiments.search(projectId, {
      clauses: experimentClauses(boundedText(parameters, 'filter', 8_000)),
      keys: experimentSort(listOf(parameters, 'order_by')),
      view: viewOf(parameters, 'view_type'),
      limit: limitOf(parameters, 1_000, MOST),
      after: textOf(parameters, 'page_token'),
    });
    return { experiments: page.items.map(experimentOnWire), ...(page.next === undefined ? {} : { next_page_token: page.next }) };
  }

  /** What older clients ask instead. */
  @Get('list')
  list(@Call() call: MlflowCall) {
    return this.search(call);
  }

  @Post('update')
  @Needs('run.track')
  @HttpCode(200)
  async update(@Call() call: MlflowCall) {
    const name = experimentName(requiredText(call.parameters, 'new_name'));
    if (name === DEFAULT_EXPERIMENT_NAME && experimentIdOf(call.parameters) !== DEFAULT_EXPERIMENT) await this.#nobodyHas(call.context.projectId, name);
    await this.#named(name, () => this.#change(call, { type: 'RenameExperiment', name }));
    return {};
  }

  @Post('delete')
  @Needs('run.track')
  @HttpCode(200)
  async delete(@Call() call: MlflowCall) {
    await this.#change(call, { type: 'DeleteExperiment' });
    return {};
  }

  @Post('restore')
  @Needs('run.track')
  @HttpCode(200)
  async restore(@Call() call: MlflowCall) {
    await this.#change(call, { type: 'RestoreExperiment' });
    return {};
  }

  @Post('set-experiment-tag')
  @Needs('run.track')
  @HttpCode(200)
  async setTag(@Call() call: MlflowCall) {
    await this.#change(call, { type: 'TagExperiment', ...experimentTagOf(call.parameters) });
    return {};
  }

  @Post('delete-experiment-tag')
  @Needs('run.track')
  @HttpCode(200)
  async deleteTag(@Call() call: MlflowCall) {
    await this.#change(call, { type: 'RemoveExperimentTag', key: parameterText(requiredText(call.parameters, 'key')) });
    return {};
  }

  @Post('search-datasets')
  @HttpCode(200)
  async searchDatasets(@Call() { context, parameters }: MlflowCall) {
    const ids = listOf(parameters, 'experiment_ids');
    if (ids.length === 0 || ids.length > 20) throw invalid("SearchDatasets request must specify at least one experiment_id, and at most 20.");
    const found = await this.runs.datasets(context.projectId, ids.map(parameterText), 1_000);
    return { dataset_summaries: found.map(({ experimentId, name, digest, context: read }) => ({ experiment_id: experimentId, name, digest, ...(read === null ? {} : { context: read }) })) };
  }

  async #experiment({ context, parameters }: MlflowCall): Promise<ExperimentShown> {
    const id = experimentIdOf(parameters);
    const found = await this.experiments.byId(context.projectId, id);
    if (!found) throw experimentNotFound(id);
    return found;
  }

  #change({ context, parameters }: MlflowCall, change: ExperimentChange) {
    return this.commands.execute(new ForExperiment(experimentIdOf(parameters), change, context));
  }

  /** The default experiment has its name before it has a row. */
  async #nobodyHas(projectId: string, name: string): Promise<void> {
    if (await this.experiments.byName(projectId, name)) throw taken(`Experiment(name=${name}) already exists.`);
  }

  async #named<T>(name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof Refused && error.reason === 'EXPERIMENT_NAME_TAKEN' ? taken(error.message) : error;
    }
  }
}

const taken = (message: string): MlflowError => new MlflowError('RESOURCE_ALREADY_EXISTS', message);

function experimentName(said: string): string {
  if (said.length > 500) throw invalid(`Invalid experiment name: it has more than 500 characters.`);
  return parameterText(said);
}

/** Where runs would put their files: the client goes there by itself, so it has to be an address for everybody. */
function locationOf(said: string): string {
  const location = said.replace(/\/+$/, '');
  if (location === '') return '';
  if (location.split(/[/\\?#]/).includes('..') || /%(00|2e)/i.test(location) || /[\0-\x1f]/.test(location)) throw invalid(`Invalid artifact location: '${location.slice(0, 200)}'. It must not climb out of its directory, and has no control characters.`);
  if (!/^[a-z][a-z0-9+.-]*:/i.test(location) || /^(file|[a-z]):/i.test(location)) throw invalid(`Invalid artifact location: '${location.slice(0, 200)}'. A path on one machine cannot be read on another: name a store by its URI, or leave it out and files lie here.`);
  if (/^mlflow-artifacts:\/(?!\/[^/])/.test(location)) throw invalid("Invalid artifact location: files that lie here have their place by their experiment. Leave it out.");
  if (/[?#]/.test(location)) throw invalid('Invalid artifact location: it has no query and no fragment, for paths are put behind it.');
  return location;
}

import { Controller, Delete, Get, HttpCode, Patch, Post, UseFilters } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiExcludeController } from '@nestjs/swagger';
import { Refused } from '@vitae/event-store';
import { InProject, Needs } from '@vitae/service-kit';
import { v7 as uuidv7 } from 'uuid';
import { ModelVersions } from '../model-version/versions.view.ts';
import { ForModel, type ModelChange } from '../model/model.handler.ts';
import { Models } from '../model/models.view.ts';
import { at } from './addresses.ts';
import { Call, type MlflowCall } from './mlflow-call.handler.ts';
import { nameTaken } from './mlflow-error.ts';
import { MlflowErrorFilter } from './mlflow-error.filter.ts';
import { mlflowProject } from './mlflow-project.ts';
import { MlflowModels } from './mlflow-models.handler.ts';
import { isPrompt, newAlias, newName, tagsByKey } from './names.ts';
import { boundedText, keyOf, limitOf, listOf, requiredText, tagsOf, textOf, valueOf, versionOf } from './parameters.ts';
import { modelFilter, modelOrder } from './search.ts';
import { stage } from './stage.ts';
import { modelVersion, registeredModel } from './wire.ts';

/** MLflow's registered models: our models, found by name. A prompt is one that has a tag. */
@ApiExcludeController()
@UseFilters(MlflowErrorFilter)
@Controller(at('mlflow/registered-models'))
@Needs('registry.read')
@InProject(mlflowProject)
export class RegisteredModelsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly models: Models,
    private readonly versions: ModelVersions,
    private readonly named: MlflowModels,
  ) {}

  /** MLflow says neither a task nor a use case: both are left open, and not made up. */
  @Post('create')
  @Needs('model.register')
  @HttpCode(200)
  async create(@Call() { context, parameters }: MlflowCall) {
    const said = requiredText(parameters, 'name');
    const tags = tagsOf(parameters);
    const prompt = isPrompt(tagsByKey(tags));
    const name = newName(said, prompt);
    const modelId = uuidv7();
    const description = boundedText(parameters, 'description', 5_000);
    await this.#named(context.projectId, name, prompt, () => this.commands.execute(new ForModel(modelId, { type: 'RegisterModel', modelId, name, description, task: '', useCaseId: '', tags }, context)));
    return this.named.shownModel(context, name);
  }

  @Post('rename')
  @Needs('model.change')
  @HttpCode(200)
  async rename(@Call() call: MlflowCall) {
    const { context, parameters } = call;
    const model = await this.#model(call);
    const prompt = isPrompt(model.tags);
    const name = newName(requiredText(parameters, 'new_name'), prompt);
    await this.#named(context.projectId, name, prompt, () => this.commands.execute(new ForModel(model.id, { type: 'RenameModel', name }, context)));
    return this.named.shownModel(context, name);
  }

  @Patch('update')
  @Needs('model.change')
  async update(@Call() call: MlflowCall) {
    const description = boundedText(call.parameters, 'description', 5_000);
    await this.#change(call, { type: 'DescribeModel', description });
    return this.named.shownModel(call.context, requiredText(call.parameters, 'name'));
  }

  @Delete('delete')
  @Needs('model.delete')
  async delete(@Call() call: MlflowCall) {
    await this.#change(call, { type: 'DeleteModel' });
    return {};
  }

  @Get('get')
  get(@Call() { context, parameters }: MlflowCall) {
    return this.named.shownModel(context, requiredText(parameters, 'name'));
  }

  @Get('search')
  async search(@Call() { context: { projectId }, parameters }: MlflowCall) {
    const filter = modelFilter(boundedText(parameters, 'filter', 8_000));
    const after = textOf(parameters, 'page_token');
    const page = await this.models.matching(projectId, filter, { orderBy: modelOrder(listOf(parameters, 'order_by')), limit: limitOf(parameters, 100, 1_000), deleted: 'hide', ...(after === '' ? {} : { after }) });
    const latest = await this.versions.newestByStage(projectId, page.items.map(({ id }) => id));
    return {
      registered_models: page.items.map((model) => registeredModel(model, latest.filter(({ modelId }) => modelId === model.id))),
      ...(page.next === undefined ? {} : { next_page_token: page.next }),
    };
  }

  @Post('get-latest-versions')
  @HttpCode(200)
  latestVersionsAsked(@Call() call: MlflowCall) {
    return this.latestVersions(call);
  }

  @Get('get-latest-versions')
  async latestVersions(@Call() call: MlflowCall) {
    const stages = listOf(call.parameters, 'stages').map(stage);
    const model = await this.#model(call);
    const latest = await this.versions.newestByStage(call.context.projectId, [model.id]);
    return { model_versions: latest.filter((one) => stages.length === 0 || stages.includes(one.stage)).map(modelVersion) };
  }

  @Post('set-tag')
  @Needs('model.change')
  @HttpCode(200)
  async setTag(@Call() call: MlflowCall) {
    await this.#change(call, { type: 'TagModel', key: keyOf(call.parameters), value: valueOf(call.parameters) });
    return {};
  }

  @Delete('delete-tag')
  @Needs('model.change')
  async deleteTag(@Call() call: MlflowCall) {
    await this.#change(call, { type: 'RemoveModelTag', key: keyOf(call.parameters) });
    return {};
  }

  @Post('alias')
  @Needs('model.change')
  @HttpCode(200)
  async setAlias(@Call() call: MlflowCall) {
    const { context, parameters } = call;
    const name = requiredText(parameters, 'name');
    const alias = newAlias(requiredText(parameters, 'alias'));
    const version = versionOf(parameters);
    const modelId = await this.named.modelId(context, name);
    await this.named.versionId(context, name, version);
    await this.commands.execute(new ForModel(modelId, { type: 'AssignAlias', alias, version }, context));
    return {};
  }

  @Delete('alias')
  @Needs('model.change')
  async deleteAlias(@Call() call: MlflowCall) {
    await this.#change(call, { type: 'RemoveAlias', alias: newAlias(requiredText(call.parameters, 'alias')) });
    return {};
  }

  @Get('alias')
  async byAlias(@Call() { context, parameters }: MlflowCall) {
    return { model_version: modelVersion(await this.named.versionByAlias(context, requiredText(parameters, 'name'), requiredText(parameters, 'alias'))) };
  }

  #model({ context, parameters }: MlflowCall) {
    return this.named.model(context, requiredText(parameters, 'name'));
  }

  async #change({ context, parameters }: MlflowCall, change: ModelChange): Promise<void> {
    const modelId = await this.named.modelId(context, requiredText(parameters, 'name'));
    await this.commands.execute(new ForModel(modelId, change, context));
  }

  /** Says in MLflow's words that the name is taken, and by what. */
  async #named(projectId: string, name: string, prompt: boolean, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refused) || error.reason !== 'MODEL_NAME_TAKEN') throw error;
      const taken = await this.models.byName(projectId, name);
      throw nameTaken(name, taken && { isPrompt: isPrompt(taken.tags) }, prompt);
    }
  }
}

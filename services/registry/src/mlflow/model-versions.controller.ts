import { Controller, Delete, Get, HttpCode, Patch, Post, UseFilters } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiExcludeController } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { InProject, Needs } from '@vitae/service-kit';
import { v7 as uuidv7 } from 'uuid';
import { ForRegisteredModelVersion, type ModelVersionOrder } from '../model-version/model-version-change.handler.ts';
import { ForModelVersionReference } from '../model-version/model-version-reference.handler.ts';
import { ForStage } from '../model-version/stage.handler.ts';
import type { ModelVersionShown } from '../model-version/shown-version.view.ts';
import { ModelVersions } from '../model-version/versions.view.ts';
import { at } from './addresses.ts';
import { Call, type MlflowCall } from './mlflow-call.handler.ts';
import { invalid } from './mlflow-error.ts';
import { MlflowErrorFilter } from './mlflow-error.filter.ts';
import { mlflowProject } from './mlflow-project.ts';
import { MlflowModels } from './mlflow-models.handler.ts';
import { MlflowSources } from './mlflow-sources.handler.ts';
import { isPrompt, tagsByKey } from './names.ts';
import { boundedText, flagOf, keyOf, limitOf, listOf, requiredText, tagsOf, textOf, valueOf, versionOf } from './parameters.ts';
import { versionFilter, versionOrder } from './search.ts';
import { checkedSource } from './source.ts';
import { isActive, stage } from './stage.ts';
import { downloadUri, modelVersion } from './wire.ts';

/** MLflow's model versions: ours, by the name of their model and their number. Those that it registers are references. */
@ApiExcludeController()
@UseFilters(MlflowErrorFilter)
@Controller(at('mlflow/model-versions'))
@Needs('registry.read')
@InProject(mlflowProject)
export class MlflowModelVersionsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly versions: ModelVersions,
    private readonly named: MlflowModels,
    private readonly sources: MlflowSources,
  ) {}

  @Post('create')
  @Needs('model.register')
  @HttpCode(200)
  async create(@Call() { context, parameters }: MlflowCall) {
    const name = requiredText(parameters, 'name');
    const tags = tagsOf(parameters);
    const prompt = isPrompt(tagsByKey(tags));
    const source = checkedSource(requiredText(parameters, 'source'), prompt);
    const said = {
      description: boundedText(parameters, 'description', 5_000),
      runId: boundedText(parameters, 'run_id', 500),
      runLink: boundedText(parameters, 'run_link', 2_000),
      loggedModelId: boundedText(parameters, 'model_id', 500),
    };
    const modelId = await this.named.modelId(context, name);
    const modelVersionId = uuidv7();
    const found = prompt ? { location: source, copiedFromModelVersionId: '', runId: '', loggedModelId: '' } : await this.sources.find(context, modelVersionId, source);
    const reference = { modelVersionId, modelId, source, tags, ...found, ...said, runId: said.runId || found.runId, loggedModelId: said.loggedModelId || found.loggedModelId };
    const handled = await this.commands.execute(new ForModelVersionReference({ is: 'reference', reference }, context));
    const id = aggregateId(handled.stream);
    const version = await this.versions.byId(context.projectId, id, 'show');
    if (!version) throw new Error(`the version ${id} was registered and is not there`);
    return { model_version: modelVersion(version) };
  }

  @Get('get')
  get(@Call() { context, parameters }: MlflowCall) {
    return this.named.shownVersion(context, requiredText(parameters, 'name'), versionOf(parameters));
  }

  @Patch('update')
  @Needs('model.change')
  async update(@Call() call: MlflowCall) {
    await this.#change(call, { type: 'DescribeModelVersion', description: boundedText(call.parameters, 'description', 5_000) });
    return this.get(call);
  }

  @Delete('delete')
  @Needs('model.delete')
  async delete(@Call() call: MlflowCall) {
    await this.#change(call, { type: 'DeleteModelVersion' });
    return {};
  }

  @Post('transition-stage')
  @Needs('model.change')
  @HttpCode(200)
  async transition(@Call() call: MlflowCall) {
    const { context, parameters } = call;
    const to = stage(requiredText(parameters, 'stage'));
    const archiveOthers = flagOf(parameters, 'archive_existing_versions');
    if (archiveOthers && !isActive(to)) throw invalid(`Model version transition cannot archive existing model versions because '${to}' is not an Active stage. Valid stages are Staging, Production`);
    const { modelId, version } = await this.#version(call);
    await this.commands.execute(new ForStage(modelId, { version, stage: to, archiveOthers }, context));
    return this.get(call);
  }

  @Get('search')
  async search(@Call() { context: { projectId }, parameters }: MlflowCall) {
    const filter = versionFilter(boundedText(parameters, 'filter', 8_000));
    const after = textOf(parameters, 'page_token');
    const page = await this.versions.matching(projectId, filter, { orderBy: versionOrder(listOf(parameters, 'order_by')), limit: limitOf(parameters, 10_000, 200_000), deleted: 'hide', ...(after === '' ? {} : { after }) });
    return { model_versions: page.items.map(modelVersion), ...(page.next === undefined ? {} : { next_page_token: page.next }) };
  }

  @Get('get-download-uri')
  async downloadUri(@Call() call: MlflowCall) {
    return { artifact_uri: downloadUri(await this.#version(call), call.host) };
  }

  @Post('set-tag')
  @Needs('model.change')
  @HttpCode(200)
  async setTag(@Call() call: MlflowCall) {
    await this.#change(call, { type: 'TagModelVersion', key: keyOf(call.parameters), value: valueOf(call.parameters) });
    return {};
  }

  @Delete('delete-tag')
  @Needs('model.change')
  async deleteTag(@Call() call: MlflowCall) {
    await this.#change(call, { type: 'RemoveModelVersionTag', key: keyOf(call.parameters) });
    return {};
  }

  #version({ context, parameters }: MlflowCall): Promise<ModelVersionShown> {
    return this.named.version(context, requiredText(parameters, 'name'), versionOf(parameters));
  }

  async #change({ context, parameters }: MlflowCall, order: ModelVersionOrder): Promise<void> {
    const id = await this.named.versionId(context, requiredText(parameters, 'name'), versionOf(parameters));
    await this.commands.execute(new ForRegisteredModelVersion(id, order, context));
  }
}

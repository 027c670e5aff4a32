import { Injectable } from '@nestjs/common';
import type { CommandContext } from '@vitae/service-kit';
import { Models, type ModelAlone } from '../model/models.view.ts';
import type { ModelVersionShown } from '../model-version/shown-version.view.ts';
import { ModelVersions } from '../model-version/versions.view.ts';
import { aliasMissing, modelMissing, versionMissing } from './mlflow-error.ts';
import { alias } from './names.ts';
import { modelVersion, registeredModel } from './wire.ts';

type Project = Pick<CommandContext, 'projectId'>;

/** Models and versions by the names that MLflow knows them by. @throws MlflowError in its words for what is not there. */
@Injectable()
export class MlflowModels {
  constructor(
    private readonly models: Models,
    private readonly versions: ModelVersions,
  ) {}

  async model({ projectId }: Project, name: string): Promise<ModelAlone> {
    const model = await this.models.byName(projectId, name);
    if (!model) throw modelMissing(name);
    return model;
  }

  async modelId({ projectId }: Project, name: string): Promise<string> {
    const id = await this.models.idOf(projectId, name);
    if (id === undefined) throw modelMissing(name);
    return id;
  }

  async versionId({ projectId }: Project, name: string, number: number): Promise<string> {
    const id = await this.versions.idOf(projectId, name, number);
    if (id === undefined) throw versionMissing(name, number);
    return id;
  }

  async version({ projectId }: Project, name: string, number: number): Promise<ModelVersionShown> {
    const version = await this.versions.byName(projectId, name, number);
    if (!version) throw versionMissing(name, number);
    return version;
  }

  /** `latest` is no alias, and yet names the newest version. */
  async versionByAlias(context: Project, name: string, said: string): Promise<ModelVersionShown> {
    const model = await this.model(context, name);
    const found = said.toLowerCase() === 'latest' ? await this.#newest(context, model) : await this.versions.byAlias(context.projectId, model.id, alias(said));
    if (!found) throw aliasMissing(said);
    return found;
  }

  async shownModel(context: Project, name: string) {
    const model = await this.model(context, name);
    return { registered_model: registeredModel(model, await this.versions.newestByStage(context.projectId, [model.id])) };
  }

  async shownVersion(context: Project, name: string, number: number) {
    return { model_version: modelVersion(await this.version(context, name, number)) };
  }

  async #newest({ projectId }: Project, { id }: ModelAlone): Promise<ModelVersionShown | undefined> {
    const { items } = await this.versions.matching(projectId, undefined, { orderBy: 'version DESC', limit: 1, deleted: 'hide' }, id);
    return items[0];
  }
}

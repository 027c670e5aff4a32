import { Controller, Get, Req, Res, UseFilters } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { ArtefactStore } from '../artefact/artefact.store.ts';
import { streamOut } from '../artefact/stream-out.store.ts';
import type { StoredFile } from '../model-version/model-version-command.ts';
import type { ModelVersionShown } from '../model-version/shown-version.view.ts';
import { ModelVersions } from '../model-version/versions.view.ts';
import { at } from './addresses.ts';
import { listed } from './listing.ts';
import { Call, type MlflowCall } from './mlflow-call.handler.ts';
import { invalid, MlflowError } from './mlflow-error.ts';
import { MlflowErrorFilter } from './mlflow-error.filter.ts';
import { MlflowModels } from './mlflow-models.handler.ts';
import { requiredText, textOf, versionOf } from './parameters.ts';

/**
 * The bytes of versions that lie here, by the ways that MLflow's clients read them: its artifact proxy, where
 * `<project>/model-versions/<id>/…` are a version's files, and the download of its page. Nothing is written here: bytes come
 * in by `POST artefacts`, and what a run logs goes to the tracking server.
 */
@ApiExcludeController()
@UseFilters(MlflowErrorFilter)
@Controller()
export class MlflowArtifactsController {
  constructor(
    private readonly artefacts: ArtefactStore,
    private readonly versions: ModelVersions,
    private readonly named: MlflowModels,
  ) {}

  @Get(at('mlflow-artifacts/artifacts'))
  async list(@Call() { parameters }: MlflowCall) {
    const { version, path } = await this.#at(textOf(parameters, 'path'));
    return { files: listed(version.files, path) };
  }

  @Get(at('mlflow-artifacts/artifacts/*path'))
  async download(@Call() _call: MlflowCall, @Req() request: Request, @Res() res: Response): Promise<void> {
    const said = request.params['path'] as unknown as readonly string[] | string; // express gives a wildcard's parts as a list
    const { version, path } = await this.#at(typeof said === 'string' ? said : said.join('/'));
    await this.#send(version, path, res);
  }

  @Get(['model-versions/get-artifact', 't/:projectId/model-versions/get-artifact'])
  async ofVersion(@Call() { context, parameters }: MlflowCall, @Res() res: Response): Promise<void> {
    const path = requiredText(parameters, 'path');
    const version = await this.named.version(context, requiredText(parameters, 'name'), versionOf(parameters));
    if (version.files.length === 0) throw invalid(`The artifact of version ${version.version} of ${version.modelName} does not lie here: it is registered by reference to ${version.artefactLocation}.`);
    await this.#send(version, path, res);
  }

  async #at(said: string): Promise<{ readonly version: ModelVersionShown; readonly path: string }> {
    const [, project, id, path = ''] = /^\/?([a-z0-9][a-z0-9-]*)\/model-versions\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\/(.*))?$/.exec(said) ?? [];
    const version = project !== undefined && id !== undefined ? await this.versions.byId(project, id) : undefined;
    if (!version) throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `There is no artifact at '${said.slice(0, 500)}'.`);
    return { version, path };
  }

  async #send({ files, version, modelName }: ModelVersionShown, path: string, res: Response): Promise<void> {
    const file: StoredFile | undefined = files.find((one) => one.path === path);
    const stored = file && (await this.artefacts.find(file.digest));
    if (!file || !stored) throw new MlflowError('RESOURCE_DOES_NOT_EXIST', `Version ${version} of ${modelName} has no file '${path.slice(0, 500)}'.`);
    const bytes = await this.artefacts.read(file.digest);
    res.status(200).set({ 'Content-Type': 'application/octet-stream', 'Content-Length': String(stored.sizeBytes), 'Content-Disposition': 'attachment', 'Vitae-Digest': file.digest });
    await streamOut(bytes, res, file.digest);
  }
}

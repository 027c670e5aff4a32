import { Controller, Delete, Get, Post, Put, Req, Res, UseFilters } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiExcludeController } from '@nestjs/swagger';
import { Refused } from '@vitae/event-store';
import { InProject, mustHave, Needs, type CommandContext } from '@vitae/service-kit';
import type { Request, Response } from 'express';
import { ArtefactStore, type StoredArtefact } from '../artefact/artefact.store.ts';
import { ProjectArtefacts } from '../artefact/project-artefacts.store.ts';
import { streamOut } from '../artefact/stream-out.store.ts';
import { brokenOff, declaredDigest } from '../artefact/upload-request.ts';
import { ForLoggedModel } from '../logged-model/logged-model.handler.ts';
import { loggedModelNotFound } from '../logged-model/logged-model.ts';
import { LoggedModels } from '../logged-model/logged-models.view.ts';
import { ModelVersions } from '../model-version/versions.view.ts';
import { ownerOf, type ArtifactOwner } from '../run/artifact-place.ts';
import { LoggedFiles } from '../run/logged-files.view.ts';
import { ForRun } from '../run/run.handler.ts';
import { runDeleted, runNotFound } from '../run/run.ts';
import { Runs } from '../run/runs.view.ts';
import { at } from './addresses.ts';
import { checkedPath, listed, listedPath } from './listing.ts';
import { Call, type MlflowCall } from './mlflow-call.handler.ts';
import { invalid, MlflowError } from './mlflow-error.ts';
import { MlflowErrorFilter } from './mlflow-error.filter.ts';
import { MlflowModels } from './mlflow-models.handler.ts';
import { mlflowProject, placeProject } from './mlflow-project.ts';
import { requiredText, textOf, versionOf } from './parameters.ts';

/** A file as it is sent: named, and with what is known of its bytes. */
interface KnownFile {
  readonly path: string;
  readonly digest: string;
  readonly sizeBytes: number;
}

/**
 * MLflow's artifact proxy. Three kinds of places lie here:
 *
 *   <project>/<experiment>/<run>/artifacts/…              what a run logs: read and written
 *   <project>/<experiment>/models/<model>/artifacts/…     the files of a logged model: the same
 *   <project>/model-versions/<id>/…                       the files of a version: read only, for it is what was registered
 *
 * Bytes are kept by their digest; that a place has them is an event.
 */
@ApiExcludeController()
@UseFilters(MlflowErrorFilter)
@Controller()
@Needs('registry.read')
@InProject(mlflowProject)
export class MlflowArtifactsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly artefacts: ArtefactStore,
    private readonly brought: ProjectArtefacts,
    private readonly versions: ModelVersions,
    private readonly named: MlflowModels,
    private readonly runs: Runs,
    private readonly models: LoggedModels,
    private readonly files: LoggedFiles,
  ) {}

  @Get(at('mlflow-artifacts/artifacts'))
  @InProject(placeProject)
  async list(@Call() { context, parameters }: MlflowCall) {
    const said = textOf(parameters, 'path');
    const { files, path } = await this.#under(context, said.replace(/\/+$/, ''));
    return { files: listed(files, path) };
  }

  @Get(at('mlflow-artifacts/artifacts/*path'))
  @InProject(placeProject)
  async download(@Call() { context }: MlflowCall, @Req() request: Request, @Res() res: Response): Promise<void> {
    const { files, path } = await this.#under(context, pathOf(request));
    await this.#send(files.find((one) => one.path === path), path, res);
  }

  /** Streamed; all of it is here, or nothing. */
  @Put(at('mlflow-artifacts/artifacts/*path'))
  @Needs('run.track')
  async upload(@Call() { context }: MlflowCall, @Req() request: Request) {
    const { owner, path } = this.#writable(context, pathOf(request));
    checkedPath(path);
    await this.#mustTake(context, owner);
    const { digest, sizeBytes } = await this.#received(request);
    await this.brought.add(context.projectId, digest);
    const file = { path, digest, sizeBytes };
    await this.commands.execute(owner.is === 'run' ? new ForRun(owner.id, { type: 'LogRunArtifact', ...file }, context) : new ForLoggedModel(owner.id, { type: 'LogModelArtifact', ...file }, context));
    return {};
  }

  /** A file, or a directory with all that is in it. */
  @Delete(at('mlflow-artifacts/artifacts/*path'))
  @Needs('run.track')
  async delete(@Call() { context }: MlflowCall, @Req() request: Request) {
    const { owner, path: said } = this.#writable(context, pathOf(request));
    const path = listedPath(said);
    await this.commands.execute(owner.is === 'run' ? new ForRun(owner.id, { type: 'RemoveRunArtifact', path }, context) : new ForLoggedModel(owner.id, { type: 'RemoveModelArtifact', path }, context));
    return {};
  }

  /** These are the words at which a client sends the file in one piece instead. */
  @Post(['create', 'complete', 'abort'].flatMap((step) => at(`mlflow-artifacts/mpu/${step}/*path`)))
  @Needs('run.track')
  multipart(): never {
    throw invalid('Multipart upload is not supported for the current artifact repository');
  }

  @Get(['model-versions/get-artifact', 't/:projectId/model-versions/get-artifact'])
  async ofVersion(@Call() { context, parameters }: MlflowCall, @Res() res: Response): Promise<void> {
    const path = requiredText(parameters, 'path');
    const version = await this.named.version(context, requiredText(parameters, 'name'), versionOf(parameters));
    if (version.files.length === 0) throw invalid(`The artifact of version ${version.version} of ${version.modelName} does not lie here: it is registered by reference to ${version.artefactLocation}.`);
    await this.#send(version.files.find((one) => one.path === path), path, res);
  }

  /** The files at a place, or below it. Reading goes by the place alone, and by who may read in its project: clients of another address are sent here with it. */
  async #under({ principal }: CommandContext, said: string): Promise<{ readonly files: readonly KnownFile[]; readonly path: string }> {
    const [, project, id, inVersion = ''] = /^([a-z0-9][a-z0-9-]*)\/model-versions\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\/(.*))?$/s.exec(said) ?? [];
    if (project !== undefined && id !== undefined) {
      mustHave(principal, 'registry.read', project);
      const path = listedPath(inVersion);
      const version = await this.versions.byId(project, id);
      if (!version) throw nothingAt(said);
      return { files: version.files, path };
    }
    const found = ownerOf(said);
    if (!found) throw isSafe(said) ? nothingAt(said) : invalid(`Invalid path: ${said.slice(0, 200)}`);
    mustHave(principal, 'registry.read', found.projectId);
    const path = listedPath(found.path);
    const shown = found.owner.is === 'run' ? await this.runs.byId(found.projectId, found.owner.id) : await this.models.byId(found.projectId, found.owner.id);
    if (!shown) throw nothingAt(said);
    return { files: await this.files.under(shown.id, path), path };
  }

  #writable({ projectId }: CommandContext, said: string): ArtifactOwner {
    const found = ownerOf(said);
    if (!found || found.projectId !== projectId) {
      throw invalid(isSafe(said) ? `Nothing can be kept at '${said.slice(0, 200)}' in the project ${projectId}: files belong to a run, or to a logged model, at the artifact URI that it has.` : `Invalid path: ${said.slice(0, 200)}`);
    }
    return found;
  }

  /** Asked before the bytes are: whoever may not write need not send them. The command asks again. */
  async #mustTake({ projectId }: CommandContext, owner: ArtifactOwner['owner']): Promise<void> {
    if (owner.is === 'run') {
      const run = await this.runs.byId(projectId, owner.id);
      if (!run) throw runNotFound(owner.id);
      if (run.deleted) throw runDeleted(owner.id);
    } else {
      const model = await this.models.byId(projectId, owner.id);
      if (!model || model.deleted) throw loggedModelNotFound(owner.id);
    }
  }

  async #received(request: Request): Promise<StoredArtefact> {
    const length = request.headers['content-length'];
    try {
      return await this.artefacts.receive(request, { declared: declaredDigest(request), announced: length === undefined ? undefined : Number(length) });
    } catch (error) {
      if (error instanceof Refused && error.reason === 'ARTEFACT_EMPTY') return NOTHING; // of an empty file there are no bytes to keep
      throw brokenOff(request, error, 'The connection ended before the whole file had arrived. Nothing was kept; send it again.');
    }
  }

  async #send(file: KnownFile | undefined, path: string, res: Response): Promise<void> {
    const sizeBytes = file && (file.sizeBytes === 0 ? 0 : (await this.artefacts.find(file.digest))?.sizeBytes);
    if (!file || sizeBytes === undefined) throw nothingAt(path);
    res.status(200).set({ 'Content-Type': 'application/octet-stream', 'Content-Length': String(sizeBytes), 'Content-Disposition': 'attachment', 'Vitae-Digest': file.digest });
    if (sizeBytes === 0) res.end();
    else await streamOut(await this.artefacts.read(file.digest), res, file.digest);
  }
}

/** SHA-256 of nothing. */
const NOTHING: StoredArtefact = { digest: 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', sizeBytes: 0 };

/** Express gives a wildcard's parts as a list, each decoded once. */
function pathOf(request: Request): string {
  const said = request.params['path'] as unknown as readonly string[] | string;
  return typeof said === 'string' ? said : said.join('/');
}

function isSafe(path: string): boolean {
  try {
    listedPath(path);
    return true;
  } catch {
    return false;
  }
}

const nothingAt = (path: string): MlflowError => new MlflowError('RESOURCE_DOES_NOT_EXIST', `There is no artifact at '${path.slice(0, 500)}'.`);

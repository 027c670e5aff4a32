import { Injectable } from '@nestjs/common';
import { rootDigest } from '@vitae/model-signing';
import type { CommandContext } from '@vitae/service-kit';
import { artefactPath, clashingPaths, MOST_FILES } from '../artefact/artefact-path.ts';
import { ArtefactStore } from '../artefact/artefact.store.ts';
import { contentOf, LOOKED_AT_BYTES } from '../artefact/content.ts';
import { LoggedModels } from '../logged-model/logged-models.view.ts';
import type { ModelVersionReference } from '../model-version/model-version-reference.handler.ts';
import type { StoredFile } from '../model-version/model-version-command.ts';
import type { ModelVersionShown } from '../model-version/shown-version.view.ts';
import { ownerAt, type ArtifactOwner } from '../run/artifact-place.ts';
import { LoggedFiles, type LoggedFile } from '../run/logged-files.view.ts';
import { Runs } from '../run/runs.view.ts';
import type { RunShown } from '../run/tracked.ts';
import { hexOf, uuidOf, uuidOfModel } from '../run/tracking-id.ts';
import { MlflowModels } from './mlflow-models.handler.ts';
import { versionNamedBy } from './source.ts';
import { locationOf } from './wire.ts';

/** What is known of the artefact that a source names. */
export interface FoundSource extends Pick<ModelVersionReference, 'location' | 'copiedFromModelVersionId' | 'artefact' | 'code'> {
  /** What made it and what it was logged as, where the source tells; empty when it does not. */
  readonly runId: string;
  readonly loggedModelId: string;
}

/** Finds out where a version's artefact lies, and which files it has when that is here: these are the version from then on. */
@Injectable()
export class MlflowSources {
  constructor(
    private readonly named: MlflowModels,
    private readonly runs: Runs,
    private readonly models: LoggedModels,
    private readonly files: LoggedFiles,
    private readonly artefacts: ArtefactStore,
  ) {}

  /** @param modelVersionId of the version that is about to be: what lies here is found under its id. */
  async find(context: CommandContext, modelVersionId: string, source: string): Promise<FoundSource> {
    const copied = await this.#copied(context, source);
    if (copied) return { location: locationOf(copied), copiedFromModelVersionId: copied.id, runId: '', loggedModelId: '', ...(copied.artefactLocation === '' ? {} : pinnedOf(copied)) };
    const { location, run, owner, loggedModelId = '' } = await this.#tracked(context, source);
    const files = owner ? await this.#pinned(owner) : undefined;
    const of = { copiedFromModelVersionId: '', runId: run ? hexOf(run.id) : '', loggedModelId };
    if (!files) return { location, ...of };
    const code = run && codeOf(run);
    return { location: `mlflow-artifacts:/${context.projectId}/model-versions/${modelVersionId}`, ...of, artefact: { digest: rootDigest(files), files }, ...(code ? { code } : {}) };
  }

  /** The version that a source such as `models:/credit/3` names. */
  async #copied(context: CommandContext, source: string): Promise<ModelVersionShown | undefined> {
    const named = versionNamedBy(source);
    if (!named) return undefined;
    return 'alias' in named ? this.named.versionByAlias(context, named.model, named.alias) : this.named.version(context, named.model, named.version);
  }

  /** A logged model or a directory of a run that is tracked here; everything else is where it says. */
  async #tracked({ projectId }: CommandContext, source: string): Promise<{ readonly location: string; readonly run?: RunShown | undefined; readonly owner?: ArtifactOwner | undefined; readonly loggedModelId?: string | undefined }> {
    const modelId = /^models:\/+(m-[0-9a-f]{32})$/.exec(source)?.[1];
    const model = modelId === undefined ? undefined : await this.models.byId(projectId, modelId);
    if (model && !model.deleted) {
      const run = model.sourceRunId === null ? undefined : await this.runs.byId(projectId, model.sourceRunId);
      return { location: source, run, loggedModelId: modelId, owner: model.status === 'LOGGED_MODEL_READY' ? ownerAt(model.artifactUri) : undefined };
    }
    const [, runId, path = ''] = /^runs:\/+([0-9a-f]{32})(?:\/(.+))?$/.exec(source) ?? [];
    const run = runId === undefined ? undefined : await this.runs.byId(projectId, runId);
    if (run) {
      const location = path === '' ? run.artifactUri : `${run.artifactUri}/${path}`;
      return { location, run, owner: ownerAt(location) };
    }
    const owner = ownerAt(source);
    if (owner?.projectId !== projectId) return { location: source };
    // What a place says of its project is the caller's word: whose files these are is asked of the run or the model itself.
    if (owner.owner.is === 'run') {
      const of = await this.runs.byId(projectId, owner.owner.id);
      return of ? { location: source, owner, run: of } : { location: source };
    }
    const made = await this.models.byId(projectId, owner.owner.id);
    if (!made) return { location: source };
    return { location: source, owner, loggedModelId: owner.owner.id, run: made.sourceRunId ? await this.runs.byId(projectId, made.sourceRunId) : undefined };
  }

  /** Undefined: there are none, or such as no version may have. */
  async #pinned({ owner, path }: ArtifactOwner): Promise<readonly StoredFile[] | undefined> {
    const id = owner.is === 'run' ? uuidOf(owner.id) : uuidOfModel(owner.id);
    const logged = id === undefined ? [] : await this.files.under(id, path.replace(/\/+$/, ''));
    const files = logged.map((file) => ({ ...file, path: within(path.replace(/\/+$/, ''), file) }));
    if (files.length === 0 || files.length > MOST_FILES || files.some((file) => file.sizeBytes === 0 || !artefactPath.safeParse(file.path).success)) return undefined;
    if (clashingPaths(files.map((file) => file.path)).length > 0) return undefined;
    const pinned: StoredFile[] = [];
    for (const file of files) {
      if (!(await this.artefacts.find(file.digest))) return undefined;
      const { head, tail } = await this.artefacts.ends(file.digest, LOOKED_AT_BYTES);
      pinned.push({ ...file, ...contentOf(file.path, head, tail) });
    }
    return pinned;
  }
}

/** A single file keeps its name. */
const within = (directory: string, { path }: LoggedFile): string => (directory === '' ? path : path === directory ? (path.split('/').at(-1) ?? path) : path.slice(directory.length + 1));

/** A copy of what lies here has the same files. */
const pinnedOf = ({ artefactDigest, files, source }: ModelVersionShown): Pick<FoundSource, 'artefact' | 'code'> => ({
  ...(files.length === 0 ? {} : { artefact: { digest: artefactDigest, files } }),
  ...(source.commit === '' ? {} : { code: source }),
});

/** Only when both are known, and the commit is one. */
function codeOf({ tags }: RunShown): FoundSource['code'] {
  const [repository = '', commit = ''] = [tags['mlflow.source.git.repoURL'], tags['mlflow.source.git.commit']];
  return repository !== '' && !/^[a-z]+:\/\/[^/]*@/i.test(repository) && /^[0-9a-f]{7,64}$/.test(commit) ? { repository, commit } : undefined;
}

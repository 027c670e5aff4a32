import type { Stage } from '../model-version/model-version-command.ts';
import { ownerAt } from '../run/artifact-place.ts';

// What MLflow's clients read. Fields that are not set are left out; times are milliseconds; a version's number is a text.

/** What MLflow is told of a version. */
export interface KnownVersion {
  readonly id: string;
  readonly projectId: string;
  readonly modelName: string;
  readonly version: number;
  readonly stage: Stage;
  readonly description: string;
  readonly artefactSource: string;
  readonly artefactLocation: string;
  readonly loggedModelId: string;
  readonly runId: string;
  readonly runLink: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly aliases: readonly string[];
  readonly registeredAt: string;
  readonly registeredBy: string;
  readonly updatedAt: string;
}

export interface KnownModel {
  readonly name: string;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly aliases: Readonly<Record<string, number>>;
  readonly registeredAt: string;
  readonly registeredBy: string;
  readonly updatedAt: string;
}

export function registeredModel(model: KnownModel, latest: readonly KnownVersion[]) {
  const { name, description, registeredAt, updatedAt, registeredBy } = model;
  return {
    name,
    creation_timestamp: Date.parse(registeredAt),
    last_updated_timestamp: Date.parse(updatedAt),
    user_id: registeredBy,
    ...unlessEmpty('description', description),
    ...unlessNone('latest_versions', latest.map((version) => modelVersion({ ...version, aliases: [] }))),
    ...unlessNone('tags', tagList(model.tags)),
    ...unlessNone('aliases', Object.entries(model.aliases).map(([alias, version]) => ({ alias, version: String(version) }))),
  };
}

/** READY from the start: nothing is checked of an artefact that lies elsewhere, and one that lies here was checked before. */
export function modelVersion(version: KnownVersion) {
  const { modelName, stage, description, loggedModelId, runId, runLink, registeredAt, updatedAt, registeredBy } = version;
  return {
    name: modelName,
    version: String(version.version),
    creation_timestamp: Date.parse(registeredAt),
    last_updated_timestamp: Date.parse(updatedAt),
    user_id: registeredBy,
    current_stage: stage,
    ...unlessEmpty('description', description),
    source: version.artefactSource || locationOf(version),
    ...unlessEmpty('run_id', runId),
    status: 'READY',
    ...unlessNone('tags', tagList(version.tags)),
    ...unlessEmpty('run_link', runLink),
    ...unlessNone('aliases', version.aliases),
    ...unlessEmpty('model_id', loggedModelId),
  };
}

type Located = Pick<KnownVersion, 'id' | 'projectId' | 'artefactLocation'>;

/** Where a version's artefact lies: where its reference leads, or else here. */
export const locationOf = ({ id, projectId, artefactLocation }: Located): string => artefactLocation || `mlflow-artifacts:/${projectId}/model-versions/${id}`;

/**
 * Where a client finds the artefact. Without a host it would look for ours at its tracking server; all other locations are
 * its own business, `models:/m-<id>` too.
 * @param host this service as the client spoke to it, with its port.
 */
export function downloadUri(version: Located, host: string): string {
  const location = locationOf(version);
  const here = /^mlflow-artifacts:\/[a-z0-9-]+\/model-versions\//.test(location) || ownerAt(location)?.projectId === version.projectId;
  return here ? location.replace(':/', `://${host}/`) : location;
}

const tagList = (tags: Readonly<Record<string, string>>) => Object.entries(tags).map(([key, value]) => ({ key, value }));
const unlessEmpty = <Name extends string>(name: Name, value: string) => (value === '' ? {} : { [name]: value });
const unlessNone = <Name extends string, Value>(name: Name, values: readonly Value[]) => (values.length === 0 ? {} : { [name]: values });

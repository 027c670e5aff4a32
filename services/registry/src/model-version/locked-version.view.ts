import type { Snapshot, Sql } from '@vitae/event-store';
import type { Stage } from './model-version-command.ts';
import type { ModelVersionState } from './model-version-state.ts';
import type { ModelVersionRow } from './version-rows.view.ts';

/** What a command has to know of its version. */
export interface LockedVersion {
  readonly modelVersionId: string;
  readonly modelId: string;
  readonly version: number;
  /** Empty, as the use case, when it is not known. */
  readonly datasetVersionId: string;
  readonly useCaseId: string;
  readonly stage: Stage;
  readonly contributors: readonly string[];
  readonly digests: readonly string[];
  readonly deleted: boolean;
  readonly purged: boolean;
  /** What its events fold to: the row is written with each of them. */
  readonly snapshot: Snapshot<ModelVersionState>;
}

interface LockedRow extends Omit<LockedVersion, 'snapshot' | 'purged'> {
  readonly state: ModelVersionRow['state'];
  readonly successor: string | null;
  readonly artefactDigest: string;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly revision: number;
}

const LOCKED = `
  select id as "modelVersionId", model_id as "modelId", version, coalesce(dataset_version_id::text, '') as "datasetVersionId", coalesce(use_case_id::text, '') as "useCaseId", stage, contributors,
    jsonb_path_query_array(files, '$[*].digest') as digests, deleted_at is not null as deleted,
    state, deprecation ->> 'successorId' as successor, artefact_digest as "artefactDigest", description, tags, revision
  from registry.model_version`;

/** Locked until the transaction ends: the changes of one version happen one after the other. Lock its model first. */
export async function lockVersion(sql: Sql, projectId: string, id: string): Promise<LockedVersion | undefined> {
  const [row] = await sql.query<LockedRow>(`${LOCKED} where project_id = $1 and id = $2 for no key update`, [projectId, id]);
  return row && locked(row);
}

export async function lockVersionNumber(sql: Sql, modelId: string, version: number): Promise<LockedVersion | undefined> {
  const [row] = await sql.query<LockedRow>(`${LOCKED} where model_id = $1 and version = $2 for no key update`, [modelId, version]);
  return row && locked(row);
}

/** The numbers of the versions in one of MLflow's stages, in ascending order. What was purged stays where it is: nothing is said of it any more. */
export async function numbersInStage(sql: Sql, modelId: string, stage: Stage): Promise<readonly number[]> {
  const rows = await sql.query<{ version: number }>(`select version from registry.model_version where model_id = $1 and stage = $2 and deleted_at is null and state <> 'purged' order by version`, [modelId, stage]);
  return rows.map(({ version }) => version);
}

const locked = (row: LockedRow): LockedVersion => ({ ...row, purged: row.state === 'purged', snapshot: { state: stateOf(row), revision: row.revision } });

function stateOf({ modelVersionId, modelId, version, state, successor, artefactDigest, digests, description, tags, stage, deleted }: LockedRow): ModelVersionState {
  if (state === 'purged') return { is: 'purged', hidden: deleted, modelVersionId, modelId, version };
  const known = { modelVersionId, modelId, version, artefactDigest, files: digests, description, tags: new Map(Object.entries(tags)), stage };
  const living = state === 'deprecated' ? { is: state, ...known, successorModelVersionId: successor ?? '' } : { is: state, ...known };
  return deleted ? { is: 'deleted', was: living } : living;
}

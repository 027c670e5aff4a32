import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { RecordedEvent, Snapshot, Sql } from '@vitae/event-store';
import { sqlOf, type Page, type ViewTransaction } from '@vitae/service-kit';
import type { Clause } from '../search/clauses.ts';
import { clausesSql, type ClauseColumns } from '../search/clause-condition.ts';
import { keysetPage } from '../search/keyset.view.ts';
import type { SortKey } from '../search/sort-key.ts';
import type { ExperimentShown, ViewType } from '../run/tracked.ts';
import { DEFAULT_EXPERIMENT, DEFAULT_EXPERIMENT_NAME, type ExperimentEvent, type ExperimentState } from './experiment.ts';

export async function projectExperiment({ sql }: ViewTransaction, events: readonly RecordedEvent<ExperimentEvent>[]): Promise<void> {
  for (const recorded of events) {
    const { event, projectId, stream, revision, recordedAt, actor } = recorded;
    const at = new Date(recordedAt);
    const change = async (set: string, ...values: unknown[]): Promise<void> => {
      await sql.query(`update experiment set revision = $3, updated_at = greatest(updated_at, $4), ${set} where project_id = $1 and id = $2 and revision < $3`, [projectId, event.experimentId, revision, at, ...values]);
    };
    switch (event.$typeName) {
      case 'vitae.registry.v1.ExperimentCreated':
        await sql.query(
          `insert into experiment (project_id, id, stream, revision, name, artifact_location, tags, created_at, created_by, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, $8) on conflict (project_id, id) do nothing`,
          [projectId, event.experimentId, stream, revision, event.name, event.artifactLocation, JSON.stringify(Object.fromEntries(event.tags.map(({ key, value }) => [key, value]))), at, actor.id],
        );
        break;
      case 'vitae.registry.v1.ExperimentRenamed':
        await change('name = $5', event.name);
        break;
      case 'vitae.registry.v1.ExperimentTagged':
        await change('tags = tags || jsonb_build_object($5::text, $6::text)', event.key, event.value);
        break;
      case 'vitae.registry.v1.ExperimentTagRemoved':
        await change('tags = tags - $5::text', event.key);
        break;
      case 'vitae.registry.v1.ExperimentDeleted':
        await change('deleted_at = $4');
        break;
      case 'vitae.registry.v1.ExperimentRestored':
        await change('deleted_at = null');
        break;
    }
  }
}

export interface LockedExperiment {
  readonly stream: string;
  /** Empty: here. */
  readonly artifactLocation: string;
  readonly snapshot: Snapshot<ExperimentState>;
}

/** Locked until the transaction ends. */
export async function lockExperiment(sql: Sql, projectId: string, id: string): Promise<LockedExperiment | undefined> {
  const [row] = await sql.query<{ stream: string; artifactLocation: string; revision: number; name: string; tags: Record<string, string>; deleted: boolean }>(
    'select stream, artifact_location as "artifactLocation", revision, name, tags, deleted_at is not null as deleted from registry.experiment where project_id = $1 and id = $2 for no key update',
    [projectId, id],
  );
  if (!row) return undefined;
  const { stream, artifactLocation, revision, name, tags, deleted } = row;
  return { stream, artifactLocation, snapshot: { state: { is: deleted ? 'deleted' : 'active', experimentId: id, name, tags: new Map(Object.entries(tags)) }, revision } };
}

const SHOWN = `e.id, e.project_id as "projectId", e.name, e.artifact_location as "artifactLocation", e.tags, e.deleted_at is not null as deleted,
  floor(extract(epoch from e.created_at) * 1000)::float8 as "createdAt", floor(extract(epoch from e.updated_at) * 1000)::float8 as "updatedAt"`;

/** With the default experiment, which is there before anybody used it. */
const ALL = `(
  select project_id, id, name, artifact_location, tags, created_at, updated_at, deleted_at from registry.experiment where project_id = $1
  union all
  select $1, '${DEFAULT_EXPERIMENT}', '${DEFAULT_EXPERIMENT_NAME}', '', '{}'::jsonb, to_timestamp(0), to_timestamp(0), null
  where not exists (select from registry.experiment where project_id = $1 and id = '${DEFAULT_EXPERIMENT}')
)`;

const STATES: Readonly<Record<ViewType, string>> = { ACTIVE_ONLY: 'e.deleted_at is null', DELETED_ONLY: 'e.deleted_at is not null', ALL: 'true' };

const FIELDS: Readonly<Record<string, string>> = {
  name: 'e.name',
  experiment_id: 'e.id',
  creation_time: 'floor(extract(epoch from e.created_at) * 1000)',
  last_update_time: 'floor(extract(epoch from e.updated_at) * 1000)',
};
const COLUMNS: ClauseColumns = { attribute: (name) => FIELDS[name] ?? '', tags: 'e.tags', params: 'e.tags' };

/** Questions about experiments, each within one project. */
@Injectable()
export class Experiments {
  constructor(private readonly em: EntityManager) {}

  /** Deleted ones, too. */
  async byId(projectId: string, id: string): Promise<ExperimentShown | undefined> {
    const [row] = await sqlOf(this.em.fork()).query<ExperimentShown>(`select ${SHOWN} from ${ALL} e where e.id = $2`, [projectId, id]);
    return row;
  }

  async byName(projectId: string, name: string): Promise<ExperimentShown | undefined> {
    const [row] = await sqlOf(this.em.fork()).query<ExperimentShown>(`select ${SHOWN} from ${ALL} e where e.name = $2`, [projectId, name]);
    return row;
  }

  search(projectId: string, { clauses, keys, view, limit, after }: { readonly clauses: readonly Clause[]; readonly keys: readonly SortKey[]; readonly view: ViewType; readonly limit: number; readonly after: string }): Promise<Page<ExperimentShown>> {
    return keysetPage<ExperimentShown>(this.em, { first: [projectId], keys: () => keys, limit, after }, (parameter) => ({
      select: SHOWN,
      from: `${ALL} e`,
      where: `${STATES[view]} and ${clausesSql(clauses, COLUMNS, parameter)}`,
    }));
  }
}

import { Injectable } from '@nestjs/common';
import { Ledger, type ProblemDocument } from '@vitae/service-kit';
import { isoSql } from '../search/search.view.ts';
import type { Phase } from '../dataset-version/dataset-file.store.ts';

/**
 *   waiting ──► running ──► registered
 *      │           ├──────► refused: the problem says why
 *      └───────────┴──────► interrupted: the service that read it is no more; nothing was stored, ask again
 */
export type ReadingState = 'waiting' | 'running' | 'registered' | 'refused' | 'interrupted';

export interface DatasetReading {
  readonly id: string;
  readonly datasetName: string;
  readonly digest: string;
  readonly state: ReadingState;
  readonly phase: Phase | '';
  /** How far the phase is, 0 to 1, as well as is known. */
  readonly share: number;
  /** Once they are counted. */
  readonly rowCount: number | null;
  /** When it is registered. */
  readonly datasetVersionId: string | null;
  readonly version: number | null;
  /** Why it was refused. */
  readonly problem: Omit<ProblemDocument, 'instance'> | null;
  readonly askedBy: string;
  readonly askedAt: string;
  readonly finishedAt: string | null;
}

/** How long a service may say nothing of a reading before the reading counts as broken off. */
const SILENCE = `interval '60 seconds'`;

// Whether the version is there is asked of the version: it may be registered though the row was never told, and that is what counts.
const SHOWN = `
  r.id, r.dataset_name as "datasetName", r.digest,
  case when v.id is not null then 'registered' when r.state in ('waiting', 'running') and r.alive_at < now() - ${SILENCE} then 'interrupted' else r.state end as state,
  r.phase, r.share, r.row_count::integer as "rowCount", v.id as "datasetVersionId", v.version, r.problem, r.asked_by as "askedBy",
  ${isoSql('r.asked_at')} as "askedAt", ${isoSql('coalesce(r.finished_at, v.registered_at)')} as "finishedAt"
  from registry.dataset_reading r left join registry.dataset_version v on v.id = r.dataset_version_id and v.project_id = r.project_id`;

/** Readings in the background, in a table of their own: whichever replica is asked, it knows. */
@Injectable()
export class DatasetReadings {
  constructor(private readonly ledger: Ledger) {}

  async begin(reading: { readonly id: string; readonly projectId: string; readonly datasetName: string; readonly digest: string; readonly datasetVersionId: string; readonly askedBy: string }): Promise<void> {
    const { id, projectId, datasetName, digest, datasetVersionId, askedBy } = reading;
    await this.ledger.sql.query(
      `insert into registry.dataset_reading (id, project_id, dataset_name, digest, dataset_version_id, state, phase, share, asked_by, asked_at, alive_at)
       values ($1, $2, $3, $4, $5, 'waiting', '', 0, $6, now(), now())`,
      [id, projectId, datasetName, digest, datasetVersionId, askedBy],
    );
  }

  async alive(ids: readonly string[]): Promise<void> {
    await this.ledger.sql.query('update registry.dataset_reading set alive_at = now() where id = any($1::uuid[]) and finished_at is null', [ids]);
  }

  async progress(id: string, phase: string, share: number, rowCount: number | undefined): Promise<void> {
    await this.ledger.sql.query(`update registry.dataset_reading set state = 'running', phase = $2, share = $3, row_count = coalesce($4, row_count), alive_at = now() where id = $1 and finished_at is null`, [id, phase, share, rowCount ?? null]);
  }

  async finish(id: string, state: Exclude<ReadingState, 'waiting' | 'running'>, { datasetVersionId, problem }: { readonly datasetVersionId?: string; readonly problem?: object } = {}): Promise<void> {
    await this.ledger.sql.query(`update registry.dataset_reading set state = $2, share = case when $2 = 'registered' then 1 else share end, dataset_version_id = coalesce($3, dataset_version_id), problem = $4::jsonb, finished_at = now() where id = $1`, [
      id,
      state,
      datasetVersionId ?? null,
      problem ? JSON.stringify(problem) : null,
    ]);
  }

  async byId(projectId: string, id: string): Promise<DatasetReading | undefined> {
    const [row] = await this.ledger.sql.query<DatasetReading>(`select ${SHOWN} where r.project_id = $1 and r.id = $2`, [projectId, id]);
    return row;
  }
}

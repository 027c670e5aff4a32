import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { RecordedEvent, Sql } from '@vitae/event-store';
import { sqlOf, type ViewTransaction } from '@vitae/service-kit';
import { namedIn, runEventOf, type Named } from './tell.ts';

/** What happened here, as others are told of it: a row for each event that is told, in the ledger's order. */
export async function projectTold({ sql }: ViewTransaction, { id, index, projectId, recordedAt, event }: RecordedEvent): Promise<void> {
  const named = namedIn(event);
  if (!named || index === undefined) return;
  const names = {
    datasetVersion: named.datasetVersionId === undefined ? undefined : await nameIn(sql, 'dataset_name as name, version from dataset_version', named.datasetVersionId),
    modelVersion: named.modelVersionId === undefined ? undefined : await nameIn(sql, 'model_name as name, version from model_version', named.modelVersionId),
  };
  const told = runEventOf(event, { id, projectId, recordedAt }, names);
  await sql.query('insert into openlineage_told (index, project_id, event) values ($1, $2, $3) on conflict do nothing', [index, projectId, JSON.stringify(told)]);
}

const nameIn = async (sql: Sql, what: string, id: string): Promise<Named | undefined> => (await sql.query<Named>(`select ${what} where id = $1`, [id]))[0];

export interface ToldEvent {
  readonly index: number;
  readonly event: object;
}

@Injectable()
export class ToldByOpenLineage {
  constructor(private readonly em: EntityManager) {}

  /** Of one project, those with a greater index. */
  async after(projectId: string, after: number, limit: number): Promise<ToldEvent[]> {
    return toldFrom(sqlOf(this.em.fork()), after + 1, limit, projectId);
  }
}

/** Those from an index on; of all projects unless one is named. */
export async function toldFrom(sql: Sql, from: number, limit: number, projectId?: string): Promise<ToldEvent[]> {
  const rows = await sql.query<{ index: string; event: object }>(
    `select index, event from registry.openlineage_told where index >= $1 and ($3::text is null or project_id = $3) order by index limit $2`,
    [from, limit, projectId ?? null],
  );
  return rows.map(({ index, event }) => ({ index: Number(index), event }));
}

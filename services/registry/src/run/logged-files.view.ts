import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Sql } from '@vitae/event-store';
import { sqlOf } from '@vitae/service-kit';

/** A file of a run or a logged model. */
export interface LoggedFile {
  readonly path: string;
  readonly digest: string;
  readonly sizeBytes: number;
}

export async function addFile(sql: Sql, ownerId: string, { path, digest, sizeBytes }: LoggedFile): Promise<void> {
  await sql.query(
    `insert into logged_file (owner_id, path, digest, size_bytes) values ($1, $2, $3, $4)
     on conflict (owner_id, path) do update set digest = excluded.digest, size_bytes = excluded.size_bytes`,
    [ownerId, path, digest, sizeBytes],
  );
}

/** The file at the path, or all below it; the empty path is everything. */
export async function removeFiles(sql: Sql, ownerId: string, path: string): Promise<void> {
  await sql.query(`delete from logged_file where owner_id = $1 and ${UNDER}`, [ownerId, path]);
}

const UNDER = `($2 = '' or path = $2 or starts_with(path, $2 || '/'))`;

/** What lies at the path, below it, or where a directory on the way to it would have to be. */
export async function filesInTheWay(sql: Sql, ownerId: string, path: string): Promise<readonly LoggedFile[]> {
  return sql.query<LoggedFile>(
    `select path, digest, size_bytes::float8 as "sizeBytes" from registry.logged_file where owner_id = $1 and (path = $2 or starts_with(path, $2 || '/') or starts_with($2, path || '/')) order by path limit 2`,
    [ownerId, path],
  );
}

export async function hasFiles(sql: Sql, ownerId: string, path: string): Promise<boolean> {
  return (await sql.query(`select 1 from registry.logged_file where owner_id = $1 and ${UNDER} limit 1`, [ownerId, path])).length > 0;
}

export async function countFiles(sql: Sql, ownerId: string): Promise<number> {
  const [row] = await sql.query<{ n: number }>('select count(*)::int as n from registry.logged_file where owner_id = $1', [ownerId]);
  return row?.n ?? 0;
}

/** Questions about the files that runs and logged models have here. */
@Injectable()
export class LoggedFiles {
  constructor(private readonly em: EntityManager) {}

  /** All at the path or below it, in the order of their paths. */
  under(ownerId: string, path: string): Promise<readonly LoggedFile[]> {
    return sqlOf(this.em.fork()).query<LoggedFile>(`select path, digest, size_bytes::float8 as "sizeBytes" from registry.logged_file where owner_id = $1 and ${UNDER} order by path`, [ownerId, path]);
  }

  async at(ownerId: string, path: string): Promise<LoggedFile | undefined> {
    const [row] = await sqlOf(this.em.fork()).query<LoggedFile>('select path, digest, size_bytes::float8 as "sizeBytes" from registry.logged_file where owner_id = $1 and path = $2', [ownerId, path]);
    return row;
  }
}

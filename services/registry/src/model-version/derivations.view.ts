import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Sql } from '@vitae/event-store';
import { sqlOf, type PageQuery } from '@vitae/service-kit';
import type { KnownBase, Relation } from './derivation.ts';

interface BaseRow extends KnownBase {
  readonly id: string;
}

/** Of these ids, those that are versions of the project, with the model's name as it is now. */
export async function basesOf(sql: Sql, projectId: string, ids: readonly string[]): Promise<ReadonlyMap<string, KnownBase>> {
  if (ids.length === 0) return new Map();
  const rows = await sql.query<BaseRow>(
    `select v.id, v.model_id as "modelId", m.name as "modelName", v.version, coalesce(v.deleted_at, m.deleted_at) is not null as deleted
     from registry.model_version v join registry.model m on m.id = v.model_id where v.project_id = $1 and v.id = any($2::uuid[])`,
    [projectId, ids],
  );
  return new Map(rows.map(({ id, ...base }) => [id, base]));
}

/** A version that was made from another one. */
export interface Derivative {
  readonly id: string;
  readonly modelId: string;
  readonly modelName: string;
  readonly version: number;
  readonly state: string;
  readonly relation: Relation;
}

@Injectable()
export class Derivatives {
  constructor(private readonly em: EntityManager) {}

  /** One more than the page holds, in the order of registration; what was deleted is not among them. */
  page(projectId: string, modelVersionId: string, { limit, after }: PageQuery): Promise<readonly Derivative[]> {
    return sqlOf(this.em.fork()).query<Derivative>(
      `select v.id, v.model_id as "modelId", m.name as "modelName", v.version, v.state,
         jsonb_path_query_first(v.derived_from, '$[*] ? (@.modelVersionId == $id).relation', jsonb_build_object('id', $2::text)) #>> '{}' as relation
       from registry.model_version v join registry.model m on m.id = v.model_id
       where v.project_id = $1 and v.derived_from @> jsonb_build_array(jsonb_build_object('modelVersionId', $2::text)) and v.deleted_at is null and m.deleted_at is null
         and ($3::uuid is null or v.id > $3::uuid)
       order by v.id limit $4`,
      [projectId, modelVersionId, after ?? null, limit + 1],
    );
  }
}

import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { RecordedEvent, Sql } from '@vitae/event-store';
import { sqlOf, type ViewTransaction } from '@vitae/service-kit';
import { keyOf, projectToldLineage } from './lineage.view.ts';
import type { LineageLinkEvent } from './lineage-link.ts';
import type { Kind, Node } from './node.ts';

/** The links themselves, and what they add to the graph. */
export async function projectLineageLink(tx: ViewTransaction, events: readonly RecordedEvent<LineageLinkEvent>[]): Promise<void> {
  for (const { event, projectId, stream, revision, recordedAt, actor } of events) {
    if (!event.from || !event.to) continue;
    if (event.$typeName === 'vitae.registry.v1.LineageLinkWithdrawn') {
      await tx.sql.query('update lineage_link set withdrawn_at = $2, withdrawn_by = $3, reason = $4, revision = $5 where id = $1', [event.linkId, recordedAt, actor.id, event.reason, revision]);
      continue;
    }
    const [from, to] = [event.from, event.to].map(({ kind, id }) => ({ kind: kind as Kind, id })) as [Node, Node];
    await tx.sql.query(
      `insert into lineage_link (id, project_id, from_kind, from_id, to_kind, to_id, relation, from_key, to_key, stream, revision, reason, declared_at, declared_by)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
       on conflict (id) do update set revision = excluded.revision, reason = excluded.reason, declared_at = excluded.declared_at, declared_by = excluded.declared_by, withdrawn_at = null, withdrawn_by = null`,
      [event.linkId, projectId, from.kind, from.id, to.kind, to.id, event.relation, keyOf(projectId, from), keyOf(projectId, to), stream, revision, event.reason, recordedAt, actor.id],
    );
  }
  await projectToldLineage(tx, events);
}

/** The link between two nodes that is or was declared. */
export async function linkBetween(sql: Sql, projectId: string, from: Node, to: Node, relation: string): Promise<string | undefined> {
  const [row] = await sql.query<{ id: string }>('select id from registry.lineage_link where from_key = $1 and to_key = $2 and relation = $3', [keyOf(projectId, from), keyOf(projectId, to), relation]);
  return row?.id;
}

/** The event by which the second comes from the first now, whatever the relation; not one that declared a link. */
export async function recordedBetween(sql: Sql, projectId: string, from: Node, to: Node): Promise<string | undefined> {
  const [row] = await sql.query<{ id: string }>('select since_event as id from registry.lineage_edge where from_key = $1 and to_key = $2 and link_id is null and until_at is null limit 1', [keyOf(projectId, from), keyOf(projectId, to)]);
  return row?.id;
}

/** The type of an event that put edges into the project's graph. */
export async function typeOfRecorded(sql: Sql, projectId: string, eventId: string): Promise<string | undefined> {
  const [row] = await sql.query<{ type: string }>(
    `select v.type from ledger.event v where v.id = $2 and v.project_id = $1 and exists (select 1 from registry.lineage_edge e where e.since_event = v.id and e.link_id is null)`,
    [projectId, eventId],
  );
  return row?.type;
}

/** From here to the end of the transaction nobody else adds to the project's lineage what could close a circle with this. */
export async function lockLineage(sql: Sql, projectId: string): Promise<void> {
  await sql.query(`select pg_advisory_xact_lock(hashtextextended('lineage/' || $1, 0))`, [projectId]);
}

export interface LinkShown {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly relation: string;
  readonly state: 'declared' | 'withdrawn';
  readonly reason: string;
  readonly declaredAt: Date;
  readonly declaredBy: string;
  readonly withdrawnAt?: Date;
  readonly withdrawnBy?: string;
  readonly revision: number;
}

/** What people and tools declared, within one project. */
@Injectable()
export class LineageLinks {
  constructor(private readonly em: EntityManager) {}

  /** One more than the page holds, in the order of declaration. */
  async page(projectId: string, limit: number, after: string | undefined): Promise<LinkShown[]> {
    const rows = await sqlOf(this.em.fork()).query<LinkRow>(`select * from registry.lineage_link where project_id = $1 and ($3::uuid is null or id > $3) order by id limit $2`, [projectId, limit + 1, after ?? null]);
    return rows.map(shown);
  }

  async byId(projectId: string, id: string): Promise<LinkShown | undefined> {
    const [row] = await sqlOf(this.em.fork()).query<LinkRow>('select * from registry.lineage_link where project_id = $1 and id = $2', [projectId, id]);
    return row && shown(row);
  }
}

interface LinkRow {
  readonly id: string;
  readonly from_kind: string;
  readonly from_id: string;
  readonly to_kind: string;
  readonly to_id: string;
  readonly relation: string;
  readonly reason: string;
  readonly declared_at: string;
  readonly declared_by: string;
  readonly withdrawn_at: string | null;
  readonly withdrawn_by: string | null;
  readonly revision: number;
}

const shown = (row: LinkRow): LinkShown => ({
  id: row.id,
  from: `${row.from_kind}:${row.from_id}`,
  to: `${row.to_kind}:${row.to_id}`,
  relation: row.relation,
  state: row.withdrawn_at === null ? 'declared' : 'withdrawn',
  reason: row.reason,
  declaredAt: new Date(row.declared_at),
  declaredBy: row.declared_by,
  ...(row.withdrawn_at === null ? {} : { withdrawnAt: new Date(row.withdrawn_at), withdrawnBy: row.withdrawn_by ?? '' }),
  revision: row.revision,
});

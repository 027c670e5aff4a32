import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { RecordedEvent, Sql } from '@vitae/event-store';
import { sqlOf, type PageQuery, type ViewTransaction } from '@vitae/service-kit';
import { isoSql } from '../search/search.view.ts';
import type { RevisionFact, RevisionState } from './revision.ts';

/** What has revisions: the name of its table, and of its column in the table of revisions. */
export type RevisedKind = 'guardrail' | 'tool';

/** Writes guardrails or tools. SQL leaves the schema out, so that a rebuild writes to its own. */
export const projectRevised =
  <Event extends RecordedEvent['event'], Content>(kind: RevisedKind, factOf: (event: Event) => RevisionFact<Content>) =>
  async ({ sql }: ViewTransaction, events: readonly RecordedEvent<Event>[]): Promise<void> => {
    for (const { event, projectId, stream, revision, recordedAt, actor } of events) {
      const fact = factOf(event);
      const at = new Date(recordedAt);
      if (fact.is === 'drafted') {
        await sql.query(
          `insert into ${kind} (id, project_id, name, stream, revision, registered_at, registered_by, updated_at) values ($1, $2, $3, $4, 0, $5, $6, $5) on conflict (id) do nothing`,
          [fact.id, projectId, fact.name, stream, at, actor.id],
        );
      }
      const news = await sql.query(`update ${kind} set revision = $2, updated_at = greatest(updated_at, $3) where id = $1 and revision < $2 returning id`, [fact.id, revision, at]);
      if (news.length > 0) await projectRevision(sql, kind, fact, { projectId, at, by: actor.id });
    }
  };

async function projectRevision(sql: Sql, kind: RevisedKind, fact: RevisionFact<unknown>, { projectId, at, by }: { readonly projectId: string; readonly at: Date; readonly by: string }): Promise<void> {
  switch (fact.is) {
    case 'drafted':
      await sql.query(
        `insert into ${kind}_revision as r (${kind}_id, number, project_id, state, content, digest, drafted_by, updated_at) values ($1, $2, $3, 'draft', $4::jsonb, $5, $6, $7)
         on conflict (${kind}_id, number) do update set content = excluded.content, digest = excluded.digest, drafted_by = excluded.drafted_by, updated_at = excluded.updated_at`,
        [fact.id, fact.number, projectId, JSON.stringify(fact.content), fact.digest, by, at],
      );
      return;
    case 'published':
      await sql.query(`update ${kind}_revision set state = 'active', updated_at = $3 where ${kind}_id = $1 and number = $2`, [fact.id, fact.number, at]);
      return;
    default:
      await sql.query(`update ${kind}_revision set state = $3, reason = $4, updated_at = $5 where ${kind}_id = $1 and number = $2`, [fact.id, fact.number, fact.is, fact.reason, at]);
  }
}

export interface RevisionShown {
  readonly number: number;
  readonly state: RevisionState;
  readonly digest: string;
  /** Why it was deprecated or retired. */
  readonly reason: string | null;
  readonly draftedBy: string;
  readonly updatedAt: string;
}
export interface RevisedShown {
  readonly id: string;
  readonly projectId: string;
  readonly name: string;
  readonly revision: number;
  readonly registeredAt: string;
  readonly registeredBy: string;
  readonly updatedAt: string;
  /** Newest first, of which at most 100. */
  readonly revisions: readonly RevisionShown[];
}

const shown = (kind: RevisedKind): string => `
  g.id, g.project_id as "projectId", g.name, g.revision, ${isoSql('g.registered_at')} as "registeredAt", g.registered_by as "registeredBy", ${isoSql('g.updated_at')} as "updatedAt",
  (select coalesce(jsonb_agg(jsonb_build_object('number', r.number, 'state', r.state, 'digest', r.digest, 'reason', r.reason, 'draftedBy', r.drafted_by, 'updatedAt', ${isoSql('r.updated_at')}) order by r.number desc), '[]')
   from (select * from registry.${kind}_revision where ${kind}_id = g.id order by number desc limit 100) r) as revisions`;

/** Questions about guardrails and tools, each within one project. */
@Injectable()
export class RevisedThings {
  constructor(private readonly em: EntityManager) {}

  async byId(kind: RevisedKind, projectId: string, id: string): Promise<RevisedShown | undefined> {
    const [row] = await this.#sql.query<RevisedShown>(`select ${shown(kind)} from registry.${kind} g where g.project_id = $1 and g.id = $2`, [projectId, id]);
    return row;
  }

  async byName(kind: RevisedKind, projectId: string, name: string): Promise<RevisedShown | undefined> {
    const [row] = await this.#sql.query<RevisedShown>(`select ${shown(kind)} from registry.${kind} g where g.project_id = $1 and g.name = $2`, [projectId, name]);
    return row;
  }

  /** One more than the page holds, in the order in which they were drafted first. */
  page(kind: RevisedKind, projectId: string, { limit, after }: PageQuery): Promise<readonly RevisedShown[]> {
    return this.#sql.query<RevisedShown>(`select ${shown(kind)} from registry.${kind} g where g.project_id = $1 and ($2::uuid is null or g.id > $2::uuid) order by g.id limit $3`, [projectId, after ?? null, limit + 1]);
  }

  /** One revision with what it says. */
  async revision<Content>(kind: RevisedKind, projectId: string, id: string, number: number): Promise<(RevisionShown & { readonly content: Content }) | undefined> {
    const [row] = await this.#sql.query<RevisionShown & { readonly content: Content }>(
      `select r.number, r.state, r.digest, r.reason, r.drafted_by as "draftedBy", ${isoSql('r.updated_at')} as "updatedAt", r.content from registry.${kind}_revision r where r.project_id = $1 and r.${kind}_id = $2 and r.number = $3`,
      [projectId, id, number],
    );
    return row;
  }

  get #sql(): Sql {
    return sqlOf(this.em.fork());
  }
}

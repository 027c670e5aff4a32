import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { AISystemRegistered } from '@vitae/contracts';
import type { RecordedEvent, Sql } from '@vitae/event-store';
import { sqlOf, type PageQuery, type ViewTransaction } from '@vitae/service-kit';
import type { Json } from '../json.ts';
import { isoSql } from '../search/search.view.ts';
import { countVersion } from '../version-counter.view.ts';
import type { AISystemVersionEvent } from './ai-system.ts';
import type { PinnedComponent, PinQuestion } from './composition.ts';

export const scopeOfSystem = (aiSystemId: string): string => `ai-system/${aiSystemId}`;

export async function projectAISystem({ sql }: ViewTransaction, events: readonly RecordedEvent<AISystemRegistered>[]): Promise<void> {
  for (const { event, projectId, stream, revision, recordedAt, actor } of events) {
    await sql.query(
      `insert into ai_system (id, project_id, name, stream, revision, description, use_case_id, registered_at, registered_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (id) do nothing`,
      [event.aiSystemId, projectId, event.name, stream, revision, event.description, event.useCaseId, new Date(recordedAt), actor.id],
    );
  }
}

export async function projectAISystemVersion({ sql }: ViewTransaction, events: readonly RecordedEvent<AISystemVersionEvent>[]): Promise<void> {
  for (const { event, projectId, stream, revision, recordedAt, actor } of events) {
    const at = new Date(recordedAt);
    switch (event.$typeName) {
      case 'vitae.registry.v1.AISystemVersionComposed': {
        const components = event.components.map(({ kind, role, id, revision: number, name, version, digest }) => ({ kind, role, id, revision: number, name, version, digest }));
        const { aiSystemVersionId: id, aiSystemId, aiSystemName, version, parameters, digest, description, useCaseId, contributors } = event;
        await sql.query(
          `insert into ai_system_version (id, project_id, ai_system_id, ai_system_name, version, stream, revision, state, components, parameters, digest, description, use_case_id, contributors, composed_at, composed_by, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, 'composed', $8::jsonb, $9::jsonb, $10, $11, $12, $13::jsonb, $14, $15, $14) on conflict (id) do nothing`,
          [id, projectId, aiSystemId, aiSystemName, version, stream, revision, JSON.stringify(components), parameters, digest, description, useCaseId, JSON.stringify(contributors), at, actor.id],
        );
        await sql.query(
          `insert into ai_system_pin (ai_system_version_id, position, kind, component_id, component_revision)
           select $1, ordinality, kind, id, number from unnest($2::text[], $3::uuid[], $4::integer[]) with ordinality as c (kind, id, number, ordinality) on conflict do nothing`,
          [id, components.map(({ kind }) => kind), components.map((one) => one.id), components.map((one) => one.revision)],
        );
        await countVersion(sql, scopeOfSystem(aiSystemId), version);
        break;
      }
      default:
        await sql.query(`update ai_system_version set state = $3, reason = $4, revision = $2, updated_at = $5 where id = $1 and revision < $2`, [
          event.aiSystemVersionId,
          revision,
          event.$typeName === 'vitae.registry.v1.AISystemVersionDeprecated' ? 'deprecated' : 'retired',
          event.reason,
          at,
        ]);
    }
  }
}

export interface AISystemShown {
  readonly id: string;
  readonly projectId: string;
  readonly name: string;
  readonly revision: number;
  readonly description: string;
  readonly useCaseId: string;
  readonly registeredAt: string;
  readonly registeredBy: string;
  readonly latestVersion: number | null;
  /** When it was asked what pins a component: the versions that do, newest first, of which at most 100. */
  readonly pinnedIn?: readonly { readonly id: string; readonly version: number; readonly state: string }[];
}
export interface AISystemVersionShown {
  readonly id: string;
  readonly projectId: string;
  readonly aiSystemId: string;
  readonly aiSystemName: string;
  readonly version: number;
  readonly revision: number;
  readonly state: 'composed' | 'deprecated' | 'retired';
  readonly components: readonly PinnedComponent[];
  readonly parameters: Json;
  readonly digest: string;
  readonly description: string;
  readonly useCaseId: string;
  readonly contributors: readonly string[];
  readonly reason: string | null;
  readonly composedAt: string;
  readonly composedBy: string;
  readonly updatedAt: string;
}

const SYSTEM = `
  s.id, s.project_id as "projectId", s.name, s.revision, s.description, s.use_case_id as "useCaseId", ${isoSql('s.registered_at')} as "registeredAt", s.registered_by as "registeredBy",
  (select max(a.version) from registry.ai_system_version a where a.ai_system_id = s.id) as "latestVersion"`;
const VERSION = `
  a.id, a.project_id as "projectId", a.ai_system_id as "aiSystemId", a.ai_system_name as "aiSystemName", a.version, a.revision, a.state, a.components, a.parameters, a.digest, a.description,
  a.use_case_id as "useCaseId", a.contributors, a.reason, ${isoSql('a.composed_at')} as "composedAt", a.composed_by as "composedBy", ${isoSql('a.updated_at')} as "updatedAt"`;

/** Questions about AI systems and their versions, each within one project. */
@Injectable()
export class AISystems {
  constructor(private readonly em: EntityManager) {}

  async byId(projectId: string, id: string): Promise<AISystemShown | undefined> {
    const [row] = await this.#sql.query<AISystemShown>(`select ${SYSTEM} from registry.ai_system s where s.project_id = $1 and s.id = $2`, [projectId, id]);
    return row;
  }

  /** One more than the page holds, in the order of registration. */
  page(projectId: string, { limit, after }: PageQuery): Promise<readonly AISystemShown[]> {
    return this.#sql.query<AISystemShown>(`select ${SYSTEM} from registry.ai_system s where s.project_id = $1 and ($2::uuid is null or s.id > $2::uuid) order by s.id limit $3`, [projectId, after ?? null, limit + 1]);
  }

  /** Of these, those with a version that is made of the component. */
  pinning(projectId: string, question: PinQuestion, { limit, after }: PageQuery): Promise<readonly AISystemShown[]> {
    const pins = 'prompt' in question
      ? `p.kind = 'prompt-version' and p.component_id in (select v.id from registry.model_version v join registry.model m on m.id = v.model_id where m.project_id = $1 and m.name = $4 and ($5::integer is null or v.version = $5::integer))`
      : `p.kind = $6 and p.component_id = $4::uuid and ($5::integer is null or p.component_revision = $5::integer)`;
    const asked = 'prompt' in question ? [question.prompt, question.version ?? null] : [question.id, question.revision ?? null, question.kind];
    return this.#sql.query<AISystemShown>(
      `with pinning as (select distinct a.id, a.ai_system_id, a.version, a.state from registry.ai_system_pin p join registry.ai_system_version a on a.id = p.ai_system_version_id and a.project_id = $1 where ${pins})
       select ${SYSTEM},
         (select jsonb_agg(jsonb_build_object('id', n.id, 'version', n.version, 'state', n.state) order by n.version desc) from (select * from pinning n where n.ai_system_id = s.id order by n.version desc limit 100) n) as "pinnedIn"
       from registry.ai_system s where s.project_id = $1 and s.id in (select ai_system_id from pinning) and ($2::uuid is null or s.id > $2::uuid) order by s.id limit $3`,
      [projectId, after ?? null, limit + 1, ...asked],
    );
  }

  async version(projectId: string, id: string): Promise<AISystemVersionShown | undefined> {
    const [row] = await this.#sql.query<AISystemVersionShown>(`select ${VERSION} from registry.ai_system_version a where a.project_id = $1 and a.id = $2`, [projectId, id]);
    return row;
  }

  async byNumber(projectId: string, aiSystemId: string, version: number): Promise<AISystemVersionShown | undefined> {
    const [row] = await this.#sql.query<AISystemVersionShown>(`select ${VERSION} from registry.ai_system_version a where a.project_id = $1 and a.ai_system_id = $2 and a.version = $3`, [projectId, aiSystemId, version]);
    return row;
  }

  async byDigest(projectId: string, aiSystemId: string, digest: string): Promise<AISystemVersionShown | undefined> {
    const [row] = await this.#sql.query<AISystemVersionShown>(`select ${VERSION} from registry.ai_system_version a where a.project_id = $1 and a.ai_system_id = $2 and a.digest = $3 and a.state <> 'retired'`, [projectId, aiSystemId, digest]);
    return row;
  }

  /** One more than the page holds, oldest first. */
  versions(projectId: string, aiSystemId: string, { limit, after }: PageQuery): Promise<readonly AISystemVersionShown[]> {
    return this.#sql.query<AISystemVersionShown>(
      `select ${VERSION} from registry.ai_system_version a where a.project_id = $1 and a.ai_system_id = $2 and ($3::uuid is null or a.version > (select version from registry.ai_system_version where id = $3::uuid)) order by a.version limit $4`,
      [projectId, aiSystemId, after ?? null, limit + 1],
    );
  }

  get #sql(): Sql {
    return sqlOf(this.em.fork());
  }
}

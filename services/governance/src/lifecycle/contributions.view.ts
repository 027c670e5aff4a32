import type { EntityManager } from '@mikro-orm/postgresql';
import { defineEntity, p } from '@mikro-orm/core';
import type { RecordedEvent } from '@vitae/event-store';
import { sqlOf, type ViewTransaction } from '@vitae/service-kit';
import { personBehind } from '../person-behind.ts';
import { contributionOf } from './contributions.ts';

/** A person had a part in a thing; source and revision are of the first event that says so. */
export const ContributionRow = defineEntity({
  name: 'ContributionRow',
  tableName: 'contribution',
  properties: { projectId: p.text().primary(), node: p.text().primary(), person: p.text().primary(), stream: p.text(), revision: p.integer() },
});

/** A thing was made of another one; `linkId` where somebody declared it, else empty. */
export const MadeOfRow = defineEntity({
  name: 'MadeOfRow',
  tableName: 'made_of',
  properties: { projectId: p.text().primary(), node: p.text().primary(), source: p.text().primary(), linkId: p.text().primary() },
});

export async function projectContributions({ sql }: ViewTransaction, { event, actor, projectId, stream, revision }: RecordedEvent): Promise<void> {
  const contribution = contributionOf(event);
  if (!contribution) return;
  const { partIn, named = [], madeOf = [], withdrawn } = contribution;
  const people = [...new Set([personBehind(actor), ...named].filter((person) => person !== undefined))];
  if (partIn !== undefined && people.length > 0) {
    await sql.query(
      `insert into contribution (project_id, node, person, stream, revision) select $1, $2, person, $4, $5 from unnest($3::text[]) as t (person)
       on conflict do nothing`,
      [projectId, partIn, people, stream, revision],
    );
  }
  for (const { node, source, linkId = '' } of madeOf) {
    await sql.query('insert into made_of (project_id, node, source, link_id) values ($1, $2, $3, $4) on conflict do nothing', [projectId, node, source, linkId]);
  }
  if (withdrawn !== undefined) await sql.query('delete from made_of where project_id = $1 and link_id = $2', [projectId, withdrawn]);
}

/** Who had a part in a version or in what it was made of, and where that is said. */
export interface KnownContribution {
  readonly person: string;
  readonly node: string;
  readonly stream: string;
  readonly revision: number;
}

/** Of a model version and everything that it was made of, however far back; in order of the persons. */
export const contributionsTo = (em: EntityManager, projectId: string, modelVersionId: string): Promise<KnownContribution[]> =>
  sqlOf(em).query<KnownContribution>(
    `with recursive made (node) as (
       select $2::text collate "C"
       union select m.source from made join governance.made_of m on m.project_id = $1 and m.node = made.node
     )
     select c.person, c.node, c.stream, c.revision from made join governance.contribution c on c.project_id = $1 and c.node = made.node
     order by c.person, c.node`,
    [projectId, `model-version:${modelVersionId}`],
  );

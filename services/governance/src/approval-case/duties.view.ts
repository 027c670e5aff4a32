import type { EntityManager } from '@mikro-orm/postgresql';
import { delegationsInForce } from '../delegation/delegations.view.ts';
import { questionsAbout } from '../gate/decisions.view.ts';
import { contributionsTo } from '../lifecycle/contributions.view.ts';
import { linksOf } from '../linked-accounts/linked-accounts.view.ts';
import type { Duties } from './separation-of-duties.ts';

/** What governance knows at a moment of those who are not to judge a subject. */
export async function dutiesOf(em: EntityManager, projectId: string, { gate, modelVersionId, subjectHash }: { readonly gate: string; readonly modelVersionId: string; readonly subjectHash: string }, at: Date): Promise<Duties> {
  const links = await linksOf(em);
  const contributions = await contributionsTo(em, projectId, modelVersionId);
  const questions = await questionsAbout(em, gate, modelVersionId);
  return {
    links: links.map(({ people }) => people),
    delegations: await delegationsInForce(em, { project: projectId }, at),
    contributors: [...new Set(contributions.map(({ person }) => person))],
    requesters: questions.filter((question) => question.subjectHash === subjectHash).map(({ by }) => by),
  };
}

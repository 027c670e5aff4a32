import { accountsOf, canonicalPerson, type Link } from '@vitae/contracts';
import type { GateFacts, Position } from './assemble-gate-input.ts';

/** What is known of people when a gate is asked. Lists are in a stable order. */
export interface DutyFacts {
  /** Who had a part in the version or in what it was made of. */
  readonly contributions: readonly (Position & { readonly person: string })[];
  /** Who asked this gate about the version, the first time about each subject. */
  readonly questions: readonly (Position & { readonly by: string; readonly subjectHash: string; readonly askedAt: Date })[];
  readonly links: readonly (Position & { readonly people: Link })[];
  /** In force at some moment since the first word on this version. */
  readonly delegations: readonly (Position & { readonly delegator: string; readonly delegate: string; readonly givenAt: Date; readonly until: Date })[];
}

type Case = GateFacts['cases'][number];

/** Who is not to judge, and who it was that did, with one name for each human: what the policies read of people. */
export interface DutiesIn {
  readonly requesters: readonly string[];
  readonly contributors: readonly string[];
  readonly people: readonly { readonly person: string; readonly accounts: readonly string[] }[];
  voices(word: Pick<Case['approvals'][number], 'approver' | 'onBehalfOf' | 'givenAt'>): { by: string; onBehalfOf?: string; delegateOf?: string[] };
}

/**
 * The people of a gate's question as they are known now: a link that was said after an approval makes two of its people one,
 * and a delegation that was given after it ties its approver. Nothing is looked up later: what comes out is in the input.
 */
export function dutiesIn(
  { version, cases, contributions, questions, links, delegations }: GateFacts,
  { at, asker, current, subjectHash }: { readonly at: Date; readonly asker: string; readonly current: Case | undefined; readonly subjectHash: string },
): DutiesIn {
  const pairs = links.map(({ people }) => people);
  const person = canonicalPerson(pairs);
  const persons = (accounts: readonly string[]): readonly string[] => [...new Set(accounts.map(person))];

  const judgedAt = new Map<string, number>();
  for (const { approver, onBehalfOf, givenAt } of current?.approvals ?? []) {
    for (const voice of persons([approver, onBehalfOf].filter((one) => one !== ''))) judgedAt.set(voice, Math.min(givenAt.getTime(), judgedAt.get(voice) ?? Infinity));
  }
  // Who judged first and asked then has spoiled that question, and nothing else.
  const askedFirst = questions.filter(({ by, subjectHash: about, askedAt }) => about === subjectHash && askedAt.getTime() < (judgedAt.get(person(by)) ?? Infinity)).map(({ by }) => by);
  const requesters = persons([asker, ...(current ? [current.requestedBy] : []), ...askedFirst]);
  const contributors = persons([...version.contributors, ...contributions.map((one) => one.person)]);
  const ties = delegations.filter(({ delegator }) => contributors.includes(person(delegator)) || requesters.includes(person(delegator)));

  const everybody = persons([...requesters, ...contributors, ...cases.flatMap((one) => one.approvals.flatMap(({ approver, onBehalfOf }) => [approver, onBehalfOf])), ...ties.flatMap(({ delegator, delegate }) => [delegator, delegate])]);
  const people = everybody.map((one) => ({ person: one, accounts: [...accountsOf(pairs, one)].sort() })).filter(({ accounts }) => accounts.length > 1);
  return {
    requesters,
    contributors,
    people: people.sort((a, b) => (a.person < b.person ? -1 : 1)),
    voices({ approver, onBehalfOf, givenAt }) {
      const voices = onBehalfOf === '' ? [person(approver)] : [person(approver), person(onBehalfOf)];
      const delegateOf = persons(ties.filter((tie) => voices.includes(person(tie.delegate)) && tie.givenAt <= at && tie.until > givenAt).map(({ delegator }) => delegator));
      return { by: person(approver), ...(onBehalfOf === '' ? {} : { onBehalfOf: person(onBehalfOf) }), ...(delegateOf.length > 0 ? { delegateOf: [...delegateOf] } : {}) };
    },
  };
}

/** The streams that say it, as far as they were read. */
export const dutyPositions = ({ contributions, questions, links, delegations }: DutyFacts): readonly Position[] => [...contributions, ...questions, ...links, ...delegations];

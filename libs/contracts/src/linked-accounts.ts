import type { Actor } from './gen/vitae/ledger/v1/envelope_pb.ts';
import type { PeopleLinked, PeopleUnlinked, PeopleUnlinkingRequested } from './gen/vitae/governance/v1/linked_accounts_pb.ts';

/** Two pseudonyms that are one human. */
export type Link = readonly [one: string, other: string];

export type LinkEvent = PeopleLinked | PeopleUnlinkingRequested | PeopleUnlinked;

/** Where all of them are said: one stream, for it is people of the installation, not of a project. MUST NOT change. */
export const LINKED_ACCOUNTS_STREAM = 'governance.LinkedAccounts-0199a000-7654-7000-8000-6c696e6b7321';

/** The links that hold after an event, whatever it is about. A link holds until it is ended; that somebody asks for the end changes nothing. */
export function linksAfter(links: readonly Link[], event: { readonly $typeName: string }): readonly Link[] {
  const said = event as LinkEvent;
  switch (said.$typeName) {
    case 'vitae.governance.v1.PeopleLinked': {
      const [one = '', other = ''] = said.people;
      return [...without(links, said.people), [one, other]];
    }
    case 'vitae.governance.v1.PeopleUnlinked':
      return without(links, said.people);
    default:
      return links;
  }
}

/** Every pseudonym of the human who has this one, over as many links as it takes; itself first, the others in order. */
export function accountsOf(links: readonly Link[], id: string): readonly string[] {
  const found = new Set([id]);
  for (const account of found) {
    for (const [one, other] of links) {
      if (one === account) found.add(other);
      if (other === account) found.add(one);
    }
  }
  return [id, ...[...found].slice(1).sort()];
}

/** Every pseudonym of whoever is behind a deed: of the actor, and of the person on whose behalf a machine acted. */
export const accountsBehind = (links: readonly Link[], { id, onBehalfOf }: Pick<Actor, 'id' | 'onBehalfOf'>): readonly string[] => [
  ...new Set([...accountsOf(links, id), ...(onBehalfOf === '' ? [] : accountsOf(links, onBehalfOf))]),
];

/** The one name for a human, however many accounts: the first of them by code units. Who has one account is called by that. */
export function canonicalPerson(links: readonly Link[]): (id: string) => string {
  if (links.length === 0) return (id) => id;
  const known = new Map<string, string>();
  return (id) => {
    const before = known.get(id);
    if (before !== undefined) return before;
    const accounts = accountsOf(links, id);
    const person = [...accounts].sort()[0] ?? id;
    for (const account of accounts) known.set(account, person);
    return person;
  };
}

const without = (links: readonly Link[], people: readonly string[]): readonly Link[] => links.filter((link) => !link.every((account) => people.includes(account)));

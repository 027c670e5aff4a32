import { create } from '@bufbuild/protobuf';
import { accountsOf, PeopleLinkedSchema, PeopleUnlinkedSchema, PeopleUnlinkingRequestedSchema, type Link, type LinkEvent } from '@vitae/contracts';
import { Refused, type Decider, type RefusalStatus } from '@vitae/event-store';

/**
 * Which pseudonyms are one human, in the whole installation. One stream, so that two who change it at once meet there.
 *
 *   none ──link──► linked ──one asks──► linked, unlinking asked for ──a second one agrees──► none
 *                    ▲                              │
 *                    └────────────link again────────┘
 *
 * A link takes rights from somebody, so one person may say it. Ending it gives them back: two do, and neither is the human
 * whom it is about.
 */
interface Pair {
  readonly linkId: string;
  readonly people: Link;
  /** Who asked that it be ended; undefined: nobody. */
  readonly requestedBy?: string | undefined;
}
export type LinkedAccounts = readonly Pair[];

interface By {
  readonly by: string;
  readonly human: boolean;
  readonly reason: string;
}
export type LinkedAccountsCommand =
  | ({ readonly type: 'LinkPeople'; readonly linkId: string; readonly people: Link } & By)
  | ({ readonly type: 'RequestUnlinking' | 'ApproveUnlinking'; readonly linkId: string } & By);

export type LinkedAccountsRefusal = 'HUMAN_REQUIRED' | 'REASON_MISSING' | 'LINK_TO_ONESELF' | 'LINK_NOT_FOUND' | 'UNLINKING_NOT_REQUESTED' | 'FOUR_EYES';

const refuse = (reason: LinkedAccountsRefusal, message: string, status?: RefusalStatus): Refused => new Refused(reason, message, status);

export const noSuchLink = (id: string): Refused => refuse('LINK_NOT_FOUND', `There is no link ${id}, or it was ended. List them at /v1/linked-accounts.`, 404);

export const linkedAccounts: Decider<LinkedAccounts, LinkedAccountsCommand, LinkEvent> = {
  category: 'governance.LinkedAccounts',
  initial: [],

  decide(command, pairs): readonly LinkEvent[] {
    const { linkId, by, human, reason } = command;
    if (!human) throw refuse('HUMAN_REQUIRED', `${by} is not a person. Who is who is said by people.`, 403);
    if (reason === '') throw refuse('REASON_MISSING', 'That two accounts are one person, or are not, is said with a reason. Send it in the header Vitae-Reason.', 422);
    const pair = pairs.find((one) => one.linkId === linkId);
    if (command.type === 'LinkPeople') {
      const [one, other] = command.people;
      if (one === other) throw refuse('LINK_TO_ONESELF', `${one} is one account. Name the other one that is the same person.`, 422);
      return pair && pair.requestedBy === undefined ? [] : [create(PeopleLinkedSchema, { linkId, people: [one, other].sort(), linkedBy: by })];
    }
    if (!pair) throw noSuchLink(linkId);
    const people = [...pair.people];
    const [one, other] = people;
    const links = pairs.map((each) => each.people);
    const accounts = accountsOf(links, by);
    if (people.some((account) => accounts.includes(account))) {
      throw refuse('FOUR_EYES', `${by} is linked to ${one} and ${other}, and nobody has a say in whether he is one person or two. Ask two others.`, 403);
    }
    if (command.type === 'RequestUnlinking') return pair.requestedBy === undefined ? [create(PeopleUnlinkingRequestedSchema, { linkId, people, requestedBy: by })] : [];
    if (pair.requestedBy === undefined) throw refuse('UNLINKING_NOT_REQUESTED', `Nobody has asked that ${one} and ${other} be unlinked. Ask for it first; then a second person agrees.`);
    if (accounts.includes(pair.requestedBy)) throw refuse('FOUR_EYES', `${pair.requestedBy} asked that ${one} and ${other} be unlinked, and so cannot agree to it. Ask somebody else.`, 403);
    return [create(PeopleUnlinkedSchema, { linkId, people, requestedBy: pair.requestedBy, approvedBy: by })];
  },

  evolve(pairs, event): LinkedAccounts {
    const others = pairs.filter(({ linkId }) => linkId !== event.linkId);
    const [one = '', other = ''] = event.people;
    switch (event.$typeName) {
      case 'vitae.governance.v1.PeopleLinked':
        return [...others, { linkId: event.linkId, people: [one, other] }];
      case 'vitae.governance.v1.PeopleUnlinkingRequested':
        return [...others, { linkId: event.linkId, people: [one, other], requestedBy: event.requestedBy }];
      case 'vitae.governance.v1.PeopleUnlinked':
        return others;
    }
  },
};

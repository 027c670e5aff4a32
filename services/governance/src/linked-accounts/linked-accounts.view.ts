import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { accountsOf, canonicalPerson, type Link, type LinkEvent } from '@vitae/contracts';
import type { RecordedEvent } from '@vitae/event-store';
import { type Page, pageOf, type PageQuery, type ViewTransaction } from '@vitae/service-kit';

/** Of no project: who is who is the same in all. */
export const LinkedAccountRow = defineEntity({
  name: 'LinkedAccountRow',
  tableName: 'linked_account',
  properties: {
    id: p.uuid().primary(),
    one: p.text(),
    other: p.text(),
    state: p.text().$type<'linked' | 'unlinking' | 'unlinked'>(),
    linkedBy: p.text(),
    linkedAt: p.datetime(),
    reason: p.text(),
    unlinkingRequestedBy: p.text().nullable(),
    unlinkingReason: p.text().nullable(),
    unlinkedBy: p.text().nullable(),
    unlinkedAt: p.datetime().nullable(),
    stream: p.text(),
    revision: p.integer(),
  },
});
export type LinkedAccountRow = InferEntity<typeof LinkedAccountRow>;

export async function projectLinkedAccounts({ em }: ViewTransaction, events: readonly RecordedEvent<LinkEvent>[]): Promise<void> {
  for (const { event, occurredAt, reason, stream, revision } of events) {
    const id = event.linkId;
    switch (event.$typeName) {
      case 'vitae.governance.v1.PeopleLinked': {
        const [one = '', other = ''] = event.people;
        const nothing = { unlinkingRequestedBy: null, unlinkingReason: null, unlinkedBy: null, unlinkedAt: null };
        await em.upsert(LinkedAccountRow, { id, one, other, state: 'linked', linkedBy: event.linkedBy, linkedAt: new Date(occurredAt), reason, ...nothing, stream, revision });
        break;
      }
      case 'vitae.governance.v1.PeopleUnlinkingRequested':
        await em.nativeUpdate(LinkedAccountRow, { id }, { state: 'unlinking', unlinkingRequestedBy: event.requestedBy, unlinkingReason: reason, revision });
        break;
      case 'vitae.governance.v1.PeopleUnlinked':
        await em.nativeUpdate(LinkedAccountRow, { id }, { state: 'unlinked', unlinkedBy: event.approvedBy, unlinkedAt: new Date(occurredAt), revision });
    }
  }
}

/** A link that holds, and where it is said. */
export interface KnownLink {
  readonly people: Link;
  readonly stream: string;
  readonly revision: number;
}

/** Every link that holds: an installation has dozens. */
export async function linksOf(em: EntityManager): Promise<readonly KnownLink[]> {
  const rows = await em.find(LinkedAccountRow, { state: { $ne: 'unlinked' } }, { orderBy: { id: 'asc' } });
  return rows.map(({ one, other, stream, revision }) => ({ people: [one, other], stream, revision }));
}

/** Under what name a human counts, and all the accounts that are his. */
export async function personOf(em: EntityManager, account: string): Promise<{ readonly person: string; readonly accounts: readonly string[] }> {
  const links = (await linksOf(em)).map(({ people }) => people);
  return { person: canonicalPerson(links)(account), accounts: [...accountsOf(links, account)].sort() };
}

export async function linkedAccountList(em: EntityManager, { limit, after }: PageQuery): Promise<Page<LinkedAccountRow>> {
  return pageOf(await em.find(LinkedAccountRow, after ? { id: { $gt: after } } : {}, { orderBy: { id: 'asc' }, limit: limit + 1 }), limit);
}

export const linkedAccountById = (em: EntityManager, id: string): Promise<LinkedAccountRow | null> => em.findOne(LinkedAccountRow, { id });

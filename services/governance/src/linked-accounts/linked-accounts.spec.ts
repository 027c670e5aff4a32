import { create } from '@bufbuild/protobuf';
import { describe, it } from '@jest/globals';
import { PeopleLinkedSchema, PeopleUnlinkedSchema, PeopleUnlinkingRequestedSchema, type Link } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { linkedAccounts } from './linked-accounts.ts';

const linkId = '01990000-0000-7000-8000-000000000030';
const otherId = '01990000-0000-7000-8000-000000000031';
const people = ['o2', 'olga'];
const said = { human: true, reason: 'she has two accounts since the merger' };
const link = (pair: Link, more: object = {}) => ({ type: 'LinkPeople', linkId, people: pair, by: 'adam', ...said, ...more }) as const;
const request = (by: string, more: object = {}) => ({ type: 'RequestUnlinking', linkId, by, ...said, ...more }) as const;
const approve = (by: string, more: object = {}) => ({ type: 'ApproveUnlinking', linkId, by, ...said, ...more }) as const;
const linked = create(PeopleLinkedSchema, { linkId, people, linkedBy: 'adam' });
const requested = create(PeopleUnlinkingRequestedSchema, { linkId, people, requestedBy: 'adam' });
const unlinked = create(PeopleUnlinkedSchema, { linkId, people, requestedBy: 'adam', approvedBy: 'berta' });
const alsoLinked = (...pair: string[]) => create(PeopleLinkedSchema, { linkId: otherId, people: pair, linkedBy: 'adam' });
const given = specification(linkedAccounts);

describe('linked accounts', () => {
  it('are linked, whichever is named first', () => given([]).when(link(['olga', 'o2'])).then([linked]));
  it('are linked once', () => given([linked]).when(link(['olga', 'o2'])).then([]));
  it('are two', () => given([]).when(link(['olga', 'olga'])).thenRefused('LINK_TO_ONESELF'));
  it('are linked and unlinked by people, with a reason', () => {
    given([]).when(link(['olga', 'o2'], { human: false })).thenRefused('HUMAN_REQUIRED');
    given([]).when(link(['olga', 'o2'], { reason: '' })).thenRefused('REASON_MISSING');
    given([linked]).when(request('adam', { human: false })).thenRefused('HUMAN_REQUIRED');
    given([linked, requested]).when(approve('berta', { reason: '' })).thenRefused('REASON_MISSING');
  });

  it('are unlinked by two people', () => {
    given([linked]).when(request('adam')).then([requested]);
    given([linked, requested]).when(approve('berta')).then([unlinked]);
  });
  it('are not unlinked by one, under whatever account', () => {
    given([linked]).when(approve('adam')).thenRefused('UNLINKING_NOT_REQUESTED');
    given([linked, requested]).when(approve('adam')).thenRefused('FOUR_EYES');
    given([linked, requested, alsoLinked('a2', 'adam')]).when(approve('a2')).thenRefused('FOUR_EYES');
  });
  it('are not unlinked by the human whom it is about', () => {
    given([linked]).when(request('olga')).thenRefused('FOUR_EYES');
    given([linked, requested]).when(approve('o2')).thenRefused('FOUR_EYES');
    given([linked, requested, alsoLinked('o3', 'olga')]).when(approve('o3')).thenRefused('FOUR_EYES');
  });
  it('are asked to be unlinked once', () => given([linked, requested]).when(request('berta')).then([]));
  it('stay linked when somebody says so again', () => {
    given([linked, requested]).when(link(['olga', 'o2'])).then([linked]);
    given([linked, requested, linked]).when(approve('berta')).thenRefused('UNLINKING_NOT_REQUESTED');
  });
  it('are linked again after an end', () => given([linked, requested, unlinked]).when(link(['olga', 'o2'])).then([linked]));
  it('have to be linked to be unlinked', () => {
    given([]).when(request('adam')).thenRefused('LINK_NOT_FOUND');
    given([linked, requested, unlinked]).when(approve('berta')).thenRefused('LINK_NOT_FOUND');
  });
});

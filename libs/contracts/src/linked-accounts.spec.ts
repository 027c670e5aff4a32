import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ApprovalGrantedSchema } from './gen/vitae/governance/v1/gate_pb.ts';
import { PeopleLinkedSchema, PeopleUnlinkedSchema, PeopleUnlinkingRequestedSchema } from './gen/vitae/governance/v1/linked_accounts_pb.ts';
import { accountsBehind, accountsOf, canonicalPerson, linksAfter, type Link } from './linked-accounts.ts';

const linked = (...people: string[]) => create(PeopleLinkedSchema, { linkId: people.join(), people });

describe('links between accounts', () => {
  it('hold from their event until they are ended', () => {
    const both = [linked('a', 'b'), linked('b', 'c')].reduce<readonly Link[]>(linksAfter, []);
    expect(both).toEqual([['a', 'b'], ['b', 'c']]);
    expect(linksAfter(both, linked('a', 'b'))).toHaveLength(2);
    expect(linksAfter(both, create(PeopleUnlinkingRequestedSchema, { people: ['a', 'b'] }))).toBe(both);
    expect(linksAfter(both, create(ApprovalGrantedSchema, {}))).toBe(both);
    expect(linksAfter(both, create(PeopleUnlinkedSchema, { people: ['a', 'b'] }))).toEqual([['b', 'c']]);
  });
  it('reach as far as they go', () => {
    const links: Link[] = [['c', 'b'], ['b', 'a'], ['x', 'y']];
    expect(accountsOf(links, 'c')).toEqual(['c', 'a', 'b']);
    expect(accountsOf(links, 'z')).toEqual(['z']);
    expect(['a', 'b', 'c', 'y', 'z'].map(canonicalPerson(links))).toEqual(['a', 'a', 'a', 'x', 'z']);
  });
  it('tell all who are behind a deed, also of a machine', () => {
    const links: Link[] = [['ben', 'b2']];
    expect(accountsBehind(links, { id: 'b2', onBehalfOf: '' })).toEqual(['b2', 'ben']);
    expect(accountsBehind(links, { id: 'ci', onBehalfOf: 'ben' })).toEqual(['ci', 'ben', 'b2']);
  });
  it('make one person of exactly those that can be reached from each other', () => {
    const account = fc.constantFrom(...'abcdefgh');
    fc.assert(
      fc.property(fc.array(fc.tuple(account, account), { maxLength: 10 }), account, account, (links, one, other) => {
        const person = canonicalPerson(links);
        expect(person(one) === person(other)).toBe(accountsOf(links, one).includes(other));
        expect(person(person(one))).toBe(person(one));
      }),
    );
  });
});

import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { LineageLinkDeclaredSchema, LineageLinkWithdrawnSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { lineageLink, relationOf, type LineageLinkCommand } from './lineage-link.ts';

const given = specification(lineageLink);
const [linkId, one, two] = [1, 2, 3].map((n) => `01890000-0000-7000-8000-00000000000${n}`) as [string, string, string];
const from = { kind: 'dataset-version', id: one } as const;
const to = { kind: 'dataset-version', id: two } as const;
const declare = (more: object = {}): LineageLinkCommand => ({ type: 'DeclareLink', linkId, from, to, reason: 'the join says so', recordedBy: undefined, circle: [], ...more });
const withdraw: LineageLinkCommand = { type: 'WithdrawLink', reason: 'it was another' };
const declared = create(LineageLinkDeclaredSchema, { linkId, from, to, relation: 'derived-from', reason: 'the join says so' });
const withdrawn = create(LineageLinkWithdrawnSchema, { linkId, from, to, relation: 'derived-from', reason: 'it was another' });

describe('A link', () => {
  it('is declared', () => given([]).when(declare()).then([declared]));
  it('is declared once', () => given([declared]).when(declare()).then([]));
  it('is withdrawn, once', () => {
    given([declared]).when(withdraw).then([withdrawn]);
    given([declared, withdrawn]).when(withdraw).then([]);
  });
  it('can be declared again', () => given([declared, withdrawn]).when(declare()).then([declared]));
  it('has to be there to be withdrawn', () => given([]).when(withdraw).thenRefused('LINEAGE_LINK_NOT_FOUND'));
  it('closes no circle', () => given([]).when(declare({ circle: ['b', 'a'] })).thenRefused('LINEAGE_CYCLIC'));
  it('closes none when it is declared again, either', () => given([declared, withdrawn]).when(declare({ circle: ['b', 'a'] })).thenRefused('LINEAGE_CYCLIC'));
  it('does not repeat what an event says', () => given([]).when(declare({ recordedBy: 'event' })).thenRefused('LINEAGE_RECORDED'));
  it('is of kinds that people can tell of', () => given([]).when(declare({ to: { kind: 'endpoint', id: two } })).thenRefused('LINEAGE_KINDS_UNFIT'));

  it('says what the second is to the first', () => {
    expect(relationOf({ kind: 'source', id: 's' }, to)).toBe('taken-from');
    expect(relationOf({ kind: 'base-model', id: 'b' }, { kind: 'model-version', id: one })).toBe('based-on');
  });
});

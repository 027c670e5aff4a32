import { create } from '@bufbuild/protobuf';
import { describe, it } from '@jest/globals';
import { ErasureApprovedSchema, ErasureHeldSchema, ErasureHoldLiftedSchema, ErasureRefusedSchema, ErasureRequestedSchema, PersonalTextErasedSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { erasure } from './erasure.ts';

const given = specification(erasure);
const erasureId = '01990000-0000-7000-8000-000000000001';
const keyIds = ['01990000-0000-7000-8000-00000000000a'];
const person = 'paula';
const human = (id: string, ...others: string[]) => ({ id, human: true, accounts: [id, ...others] });
const reason = 'she has left and asks for it';

const request = { type: 'RequestErasure', erasureId, person, by: human('rita'), reason } as const;
const approve = (id: string) => ({ type: 'ApproveErasure', by: human(id) }) as const;
const refuse = { type: 'RefuseErasure', by: human('olga'), reason } as const;
const hold = { type: 'HoldErasure', person, by: human('lena'), reason } as const;
const lift = { type: 'LiftHold', person, by: human('lena'), reason } as const;
const record = { type: 'RecordErased', erasureId, keyIds } as const;

const requested = create(ErasureRequestedSchema, { erasureId, person, requestedBy: 'rita' });
const approved = create(ErasureApprovedSchema, { erasureId, person, approvedBy: 'olga' });
const refused = create(ErasureRefusedSchema, { erasureId, person, refusedBy: 'olga' });
const held = create(ErasureHeldSchema, { person, heldBy: 'lena' });
const lifted = create(ErasureHoldLiftedSchema, { person, liftedBy: 'lena' });
const erased = create(PersonalTextErasedSchema, { erasureId, person, keyIds });

describe('an erasure', () => {
  it('takes two humans, not two accounts: neither the requester nor the person can approve under another one', () => {
    const asked = create(ErasureRequestedSchema, { erasureId, person, requestedBy: 'rita' });
    given([asked]).when({ type: 'ApproveErasure', by: human('r2', 'rita') }).thenRefused('FOUR_EYES');
    given([asked]).when({ type: 'ApproveErasure', by: human('p2', person) }).thenRefused('FOUR_EYES');
    given([asked]).when({ type: 'ApproveErasure', by: human('olga', 'o2') }).then([create(ErasureApprovedSchema, { erasureId, person, approvedBy: 'olga' })]);
  });

  it('is requested, approved by a second person, and recorded when the keys are gone', () => {
    given([]).when(request).then([requested]);
    given([requested]).when(approve('olga')).then([approved]);
    given([requested, approved]).when(record).then([erased]);
  });

  it('can be requested by the person, and then approved by one other', () => {
    given([]).when({ ...request, by: human(person) }).then([create(ErasureRequestedSchema, { erasureId, person, requestedBy: person })]);
  });

  it.each([
    ['who requested it', 'rita'],
    ['whose texts they are', person],
  ])('is never approved by the one %s', (_who, id) => {
    given([requested]).when(approve(id)).thenRefused('FOUR_EYES');
    given([requested, approved]).when(approve(id)).thenRefused('FOUR_EYES');
  });

  it.each([request, approve('olga'), refuse, hold, lift])('is for humans only: $type', (command) => {
    given([requested]).when({ ...command, by: { id: 'nightly', human: false, accounts: ['nightly'] } }).thenRefused('HUMAN_REQUIRED');
  });

  it.each([request, refuse, hold, lift])('needs a reason: $type', (command) => {
    given([]).when({ ...command, reason: '' }).thenRefused('REASON_REQUIRED');
  });

  it('is one at a time for a person, and can be requested again when it has ended', () => {
    given([requested]).when({ ...request, by: human('dana') }).thenRefused('ERASURE_EXISTS');
    given([requested, refused]).when(request).then([requested]);
    given([requested, approved, erased]).when(request).then([requested]);
  });

  it('cannot be approved or refused when there is no request', () => {
    given([]).when(approve('olga')).thenRefused('ERASURE_NOT_FOUND');
    given([requested, refused]).when(approve('olga')).thenRefused('ERASURE_NOT_FOUND');
    given([]).when(refuse).thenRefused('ERASURE_NOT_FOUND');
  });

  it('is not approved under a legal hold, whether that came before the request or after it', () => {
    given([held, requested]).when(approve('olga')).thenRefused('ERASURE_HELD');
    given([requested, held]).when(approve('olga')).thenRefused('ERASURE_HELD');
    given([requested, held, lifted]).when(approve('olga')).then([approved]);
    given([held, requested, refused, requested]).when(approve('olga')).thenRefused('ERASURE_HELD');
  });

  it('is stopped by nobody once it is approved', () => {
    for (const command of [request, refuse, hold, lift]) given([requested, approved]).when(command).thenRefused('ERASURE_APPROVED');
  });

  it('takes every repetition as done', () => {
    given([requested, approved]).when(approve('marc')).then([]);
    given([held]).when(hold).then([]);
    given([]).when(lift).then([]);
    given([requested, approved, erased]).when(record).then([]);
    given([requested]).when(record).then([]);
  });
});

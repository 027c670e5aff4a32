import { create } from '@bufbuild/protobuf';
import {
  ErasureApprovedSchema,
  ErasureHeldSchema,
  ErasureHoldLiftedSchema,
  ErasureRefusedSchema,
  ErasureRequestedSchema,
  PersonalTextErasedSchema,
  type ErasureApproved,
  type ErasureHeld,
  type ErasureHoldLifted,
  type ErasureRefused,
  type ErasureRequested,
  type PersonalTextErased,
} from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';

/**
 * The erasure of all that one person wrote. One stream for each person, so that there is one open request at a time and
 * a hold concerns every request, also one that is made later.
 *
 *   idle ──request──► requested ──approve (a second person)──► approved ──keys destroyed──► idle
 *     ▲                   │                                        (the point of no return)
 *     └──────refuse───────┘        hold: from now on nothing can be approved, until it is lifted
 *
 * After an erasure the person may write again, under new keys, and somebody may request again.
 */
export type ErasureEvent = ErasureRequested | ErasureApproved | ErasureRefused | ErasureHeld | ErasureHoldLifted | PersonalTextErased;

/** Who commands, as far as the rules ask. */
export interface By {
  readonly id: string;
  readonly human: boolean;
  /** All accounts of this human, `id` among them. */
  readonly accounts: readonly string[];
}

export type ErasureCommand =
  | { readonly type: 'RequestErasure'; readonly erasureId: string; readonly person: string; readonly by: By; readonly reason: string }
  | { readonly type: 'ApproveErasure'; readonly by: By }
  | { readonly type: 'RefuseErasure'; readonly by: By; readonly reason: string }
  | { readonly type: 'HoldErasure' | 'LiftHold'; readonly person: string; readonly by: By; readonly reason: string }
  /** The keys are destroyed: the worker's report. */
  | { readonly type: 'RecordErased'; readonly erasureId: string; readonly keyIds: readonly string[] };

export type ErasureRefusal = 'HUMAN_REQUIRED' | 'REASON_REQUIRED' | 'FOUR_EYES' | 'ERASURE_NOT_FOUND' | 'ERASURE_EXISTS' | 'ERASURE_APPROVED' | 'ERASURE_HELD';

export type ErasureState = { readonly held: boolean } & (
  | { readonly state: 'idle' }
  | { readonly state: 'requested' | 'approved'; readonly erasureId: string; readonly person: string; readonly requestedBy: string }
);

/** A human by the account that is known of already. */
const called = ({ id }: By, known: string): string => (id === known ? id : `${id} is the same person as ${known}, who`);

const refuse = (reason: ErasureRefusal, message: string, status?: 403 | 404 | 422): Refused => new Refused(reason, message, status);

export const noSuchErasure = (): Refused => refuse('ERASURE_NOT_FOUND', 'Nobody has requested an erasure of this person, or the last request has ended. Request one at /v1/erasures.', 404);

export const erasure: Decider<ErasureState, ErasureCommand, ErasureEvent> = {
  category: 'ledger.Erasure',
  initial: { state: 'idle', held: false },

  decide(command, current): readonly ErasureEvent[] {
    if (command.type === 'RecordErased') {
      const { erasureId, keyIds } = command;
      return current.state === 'approved' && current.erasureId === erasureId ? [create(PersonalTextErasedSchema, { erasureId, person: current.person, keyIds: [...keyIds] })] : [];
    }
    const { by } = command;
    if (!by.human) throw refuse('HUMAN_REQUIRED', `${by.id} is not a human. Two people decide on an erasure; no machine and no service does.`, 403);
    if ('reason' in command && command.reason === '') throw refuse('REASON_REQUIRED', 'An erasure is requested, refused, held and released with a reason. Send it as Vitae-Reason.', 422);
    if (current.state === 'approved' && command.type !== 'ApproveErasure') {
      throw refuse('ERASURE_APPROVED', `The erasure of ${current.person} is approved and its keys are being destroyed; nothing can stop it any more.`);
    }
    switch (command.type) {
      case 'RequestErasure': {
        const { erasureId, person } = command;
        if (current.state === 'idle') return [create(ErasureRequestedSchema, { erasureId, person, requestedBy: by.id })];
        throw refuse('ERASURE_EXISTS', `${current.requestedBy} has requested the erasure of ${person} already. Approve or refuse that request.`);
      }
      case 'ApproveErasure': {
        if (current.state === 'idle') throw noSuchErasure();
        const { erasureId, person, requestedBy } = current;
        if (by.accounts.includes(requestedBy)) throw refuse('FOUR_EYES', `${called(by, requestedBy)} requested the erasure of ${person} and so cannot approve it. Ask somebody else.`, 403);
        if (by.accounts.includes(person)) throw refuse('FOUR_EYES', `${called(by, person)} cannot approve the erasure of what ${person} wrote: two others, or one other and the person's own request, are needed.`, 403);
        if (current.state === 'approved') return [];
        if (current.held) throw refuse('ERASURE_HELD', `What ${person} wrote is under a legal hold. Have the hold lifted, then approve.`);
        return [create(ErasureApprovedSchema, { erasureId, person, approvedBy: by.id })];
      }
      case 'RefuseErasure': {
        if (current.state === 'idle') throw noSuchErasure();
        const { erasureId, person } = current;
        return [create(ErasureRefusedSchema, { erasureId, person, refusedBy: by.id })];
      }
      case 'HoldErasure':
        return current.held ? [] : [create(ErasureHeldSchema, { person: command.person, heldBy: by.id })];
      case 'LiftHold':
        return current.held ? [create(ErasureHoldLiftedSchema, { person: command.person, liftedBy: by.id })] : [];
    }
  },

  evolve(current, event): ErasureState {
    const { held } = current;
    switch (event.$typeName) {
      case 'vitae.ledger.v1.ErasureRequested': {
        const { erasureId, person, requestedBy } = event;
        return { state: 'requested', held, erasureId, person, requestedBy };
      }
      case 'vitae.ledger.v1.ErasureApproved':
        return current.state === 'idle' ? current : { ...current, state: 'approved' };
      case 'vitae.ledger.v1.ErasureRefused':
      case 'vitae.ledger.v1.PersonalTextErased':
        return { state: 'idle', held };
      case 'vitae.ledger.v1.ErasureHeld':
        return { ...current, held: true };
      case 'vitae.ledger.v1.ErasureHoldLifted':
        return { ...current, held: false };
    }
  },
};

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  UseCaseApprovedSchema,
  UseCaseDraftedSchema,
  UseCaseRejectedSchema,
  UseCaseSubmittedSchema,
  type UseCaseApproved,
  type UseCaseDrafted,
  type UseCaseRejected,
  type UseCaseSubmitted,
} from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';

/**
 * The business case that asks for a model.
 *
 *   draft ──submit──► submitted ──approve──► approved
 *                         └───────reject───► rejected
 *
 * Whoever drafted it decides nothing about it.
 */
export type UseCaseEvent = UseCaseDrafted | UseCaseSubmitted | UseCaseApproved | UseCaseRejected;

export type UseCaseDraft = Omit<MessageInitShape<typeof UseCaseDraftedSchema>, 'useCaseId' | '$typeName'>;

export type UseCaseCommand =
  | { readonly type: 'DraftUseCase'; readonly useCaseId: string; readonly draft: UseCaseDraft }
  | { readonly type: 'SubmitUseCase' }
  | ({ readonly type: 'ApproveUseCase' } & Judges)
  | ({ readonly type: 'RejectUseCase'; readonly reason: string } & Judges);

/** Who decides about it, and who wrote it: the actor of the stream's first event, which never changes. */
interface Judges {
  readonly by: string;
  /** All accounts of whoever is behind `by`. */
  readonly accounts: readonly string[];
  readonly author: string;
}

export type UseCaseRefusal = 'USE_CASE_NOT_FOUND' | 'USE_CASE_STATE' | 'FOUR_EYES' | 'REASON_MISSING';

export type UseCaseState =
  | { readonly state: 'none' }
  | { readonly state: 'draft' | 'submitted' | 'approved' | 'rejected'; readonly useCaseId: string };

const refuse = (reason: UseCaseRefusal, message: string, status?: 403 | 404 | 422): never => {
  throw new Refused(reason, message, status);
};

/** Also told where the id belongs to another project: there it does not exist. */
export const noSuchUseCase = (id: string): Refused =>
  new Refused('USE_CASE_NOT_FOUND' satisfies UseCaseRefusal, `There is no use case ${id} in this project. List them at /use-cases.`, 404);

export const useCase: Decider<UseCaseState, UseCaseCommand, UseCaseEvent> = {
  category: 'governance.UseCase',
  initial: { state: 'none' },

  decide(command, current): readonly UseCaseEvent[] {
    if (command.type === 'DraftUseCase') {
      if (current.state !== 'none') return refuse('USE_CASE_STATE', `Use case ${command.useCaseId} was drafted before. Draft another one under its own id.`);
      return [create(UseCaseDraftedSchema, { ...command.draft, useCaseId: command.useCaseId })];
    }
    if (current.state === 'none') return refuse('USE_CASE_NOT_FOUND', 'There is no such use case. List them at /use-cases.', 404);
    const { useCaseId } = current;
    const onlyFrom = (wanted: 'draft' | 'submitted', doing: string): void => {
      if (current.state !== wanted) refuse('USE_CASE_STATE', `Use case ${useCaseId} is ${current.state}; it can be ${doing} only while it is ${wanted === 'draft' ? 'a draft' : wanted}.`);
    };
    switch (command.type) {
      case 'SubmitUseCase':
        if (current.state === 'submitted') return [];
        onlyFrom('draft', 'submitted');
        return [create(UseCaseSubmittedSchema, { useCaseId })];
      case 'ApproveUseCase':
        fourEyes(command, useCaseId);
        if (current.state === 'approved') return [];
        onlyFrom('submitted', 'approved');
        return [create(UseCaseApprovedSchema, { useCaseId })];
      case 'RejectUseCase':
        fourEyes(command, useCaseId);
        if (current.state === 'rejected') return [];
        onlyFrom('submitted', 'rejected');
        if (command.reason === '') return refuse('REASON_MISSING', `Use case ${useCaseId} cannot be rejected without a reason: its author must know what to change. Send it in the header Vitae-Reason.`, 422);
        return [create(UseCaseRejectedSchema, { useCaseId })];
    }
  },

  evolve(_state, event): UseCaseState {
    switch (event.$typeName) {
      case 'vitae.governance.v1.UseCaseDrafted':
        return { state: 'draft', useCaseId: event.useCaseId };
      case 'vitae.governance.v1.UseCaseSubmitted':
        return { state: 'submitted', useCaseId: event.useCaseId };
      case 'vitae.governance.v1.UseCaseApproved':
        return { state: 'approved', useCaseId: event.useCaseId };
      case 'vitae.governance.v1.UseCaseRejected':
        return { state: 'rejected', useCaseId: event.useCaseId };
    }
  },
};

function fourEyes({ by, accounts, author }: Judges, useCaseId: string): void {
  if (accounts.includes(author)) refuse('FOUR_EYES', `${by === author ? by : `${by} is the same person as ${author}, who`} wrote use case ${useCaseId} and so cannot decide about it. Ask somebody else to approve or reject it.`, 403);
}

import type { Message } from '@bufbuild/protobuf';

/** HTTP status under which a refusal is told; 409 unless the reason says otherwise. */
export type RefusalStatus = 403 | 404 | 409 | 410 | 412 | 422;

/**
 * The rules of one aggregate. Pure: time, ids and actor arrive in the command.
 *
 * `decide` MUST return [] when the wish is already true and MUST throw Refused for what the rules
 * forbid; `evolve` MUST apply any event it is given and checks nothing.
 */
export interface Decider<State, Command, Event extends Message> {
  /** `<service>.<Aggregate>`, the first part of the stream's name. */
  readonly category: string;
  readonly initial: State;
  decide(command: Command, state: State): readonly Event[];
  evolve(state: State, event: Event): State;
}

/** A command's rejection by the rules: a reason from a closed list, and what a person should do. */
export class Refused extends Error {
  override readonly name = 'Refused';
  constructor(
    /** One of the aggregate's closed list, in CAPITALS_WITH_UNDERSCORES. */
    readonly reason: string,
    message: string,
    readonly status: RefusalStatus = 409,
  ) {
    super(message);
  }
}

import type { Message } from '@bufbuild/protobuf';
import { AlreadyAppended, appendPrepared, RevisionConflict, type ExpectedRevision, type Idempotency } from './append.ts';
import type { Decider } from './decider.ts';
import { isMet, prepareAppend, type PreparedAppend } from './prepared-append.ts';
import { readStream, recallBatch } from './read.ts';
import type { Attribution, RecordedEvent } from './recorded-event.ts';
import type { Transact, Transaction } from './sql.ts';

/** Applies newly appended events to a view, in the append's own transaction. */
export type Project<Tx extends Transaction, Event extends Message> = (
  tx: Tx,
  events: readonly RecordedEvent<Event>[],
) => Promise<void>;

/**
 * What is stored, projected and published instead of an append that keeps its contract: with personal texts sealed.
 * MUST keep ids, types and order.
 */
export type Seal = <Event extends Message>(prepared: PreparedAppend<Event>) => Promise<PreparedAppend<Event>>;

/** An aggregate's state as of a revision, kept elsewhere: only the events after it are read. */
export interface Snapshot<State> {
  /** MUST be what the stream's events up to the revision fold to. */
  readonly state: State;
  readonly revision: number;
  /** Nobody appends after it without being noticed: the stream is not read, and an append that was quicker is a conflict. */
  readonly latest?: boolean;
}

export interface CommandRequest<Command, State = unknown> {
  readonly stream: string;
  readonly command: Command;
  readonly attribution: Attribution;
  readonly subjects: readonly string[];
  /** What the caller believes of the stream; without it, the decision rests on what was loaded. */
  readonly expected?: ExpectedRevision | undefined;
  readonly idempotency?: Idempotency | undefined;
  /** Where a stream may grow long. Without it the whole stream is read. */
  readonly snapshot?: Snapshot<State> | undefined;
}

/** What became of a command. */
export interface Handled<Event extends Message = Message> {
  readonly stream: string;
  /** The stream's revision afterwards. */
  readonly revision: number;
  /** What was appended; empty when the wish was already true. */
  readonly events: readonly RecordedEvent<Event>[];
  /** True when an earlier request under the same idempotency key did it. */
  readonly replayed: boolean;
}

/**
 * Load, decide, append, project: in one transaction. On a RevisionConflict it looks again and decides
 * anew, unless the caller named an exact revision; then the conflict is the caller's to solve.
 */
export async function handle<State, Command, Event extends Message, Tx extends Transaction>(
  transact: Transact<Tx>,
  decider: Decider<State, Command, Event>,
  request: CommandRequest<Command, State>,
  project?: Project<Tx, Event>,
  { attempts = 10, seal }: { readonly attempts?: number; readonly seal?: Seal | undefined } = {},
): Promise<Handled<Event>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await transact((tx) => handleWithin(tx, decider, request, project, seal));
    } catch (error) {
      // With a key the stream may have grown by this very request, come twice at once: then its answer is there now.
      const again =
        error instanceof AlreadyAppended ||
        (error instanceof RevisionConflict && (request.expected === undefined || (request.idempotency !== undefined && attempt === 1)));
      if (!again || attempt >= attempts) throw error;
    }
  }
}

/** One attempt inside a transaction that the caller holds: for several streams in one commit. */
export async function handleWithin<State, Command, Event extends Message, Tx extends Transaction>(
  tx: Tx,
  decider: Decider<State, Command, Event>,
  request: CommandRequest<Command, State>,
  project?: Project<Tx, Event>,
  seal?: Seal,
): Promise<Handled<Event>> {
  const { stream, command, attribution, subjects, expected, idempotency, snapshot = { state: decider.initial, revision: 0 } } = request;
  if (idempotency) {
    const earlier = (await recallBatch(tx.sql, idempotency)) as readonly RecordedEvent<Event>[] | undefined;
    const last = earlier?.at(-1);
    if (earlier && last) return { stream: last.stream, revision: last.revision, events: earlier, replayed: true };
  }
  const history = snapshot.latest ? [] : ((await readStream(tx.sql, stream, { from: snapshot.revision + 1 })) as readonly RecordedEvent<Event>[]);
  const revision = snapshot.revision + history.length;
  if (!isMet(expected ?? 'any', revision)) throw new RevisionConflict(stream, expected ?? 'any', revision);

  const state = history.reduce((folded, recorded) => decider.evolve(folded, recorded.event), snapshot.state);
  const decided = decider.decide(command, state);
  if (decided.length === 0) return { stream, revision, events: [], replayed: false };

  const prepared = prepareAppend({ stream, expected: revision, events: decided, attribution, subjects, idempotency });
  const events = await appendPrepared(tx.sql, seal ? await seal(prepared) : prepared);
  await project?.(tx, events);
  return { stream, revision: revision + events.length, events, replayed: false };
}

import type { Message } from '@bufbuild/protobuf';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Optional } from '@nestjs/common';
import {
  AlreadyAppended,
  handle,
  handleWithin,
  readStream,
  Refused,
  RevisionConflict,
  type CommandRequest,
  type Decider,
  type ExpectedRevision,
  type Handled,
  type Project,
  type RecordedEvent,
  type Snapshot,
} from '@vitae/event-store';
import { Keyring, type Sealer } from '@vitae/keyring';
import { Broker } from './broker.ts';
import { inTransaction, sqlOf, type ViewTransaction } from './database.ts';
import type { CommandContext } from './identity.ts';
import { commands, commandSeconds, conflicts, refusals } from './measures.ts';
import { inSpan, traceparent } from './trace.ts';

/** A command for one stream. */
export interface LedgerRequest<Command, State = unknown> {
  readonly stream: string;
  readonly command: Command;
  readonly context: CommandContext;
  /** `<kind>:<id>` of everything the events concern; `model:<id>` whenever they concern a model. */
  readonly subjects: readonly string[];
  /** The caller's If-Match goes before this. Leave it out and a conflict is decided anew by itself. */
  readonly expected?: ExpectedRevision | undefined;
  /** The state as of a revision, where a stream may grow long; without it the whole stream is read. */
  readonly snapshot?: Snapshot<State> | undefined;
}

/** The way of a service's commands into the ledger: append and view rows in one transaction, then a hint. */
@Injectable()
export class Ledger {
  /** Transactions in which something was appended: after their commit the sequencer gets a hint. */
  readonly #appended = new WeakSet<ViewTransaction>();

  constructor(
    private readonly em: EntityManager,
    @Optional() private readonly broker?: Broker,
    @Optional() private readonly keyring?: Keyring,
  ) {}

  /**
   * Runs `work` in one READ COMMITTED transaction: `tx.sql` for SQL, `tx.em` for entities (flushed before the commit).
   * `work` MUST NOT do anything that a rollback would not undo: where PostgreSQL gave it up to end a deadlock, it runs again.
   */
  readonly transact = async <T>(work: (tx: ViewTransaction) => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      let appended = false;
      try {
        const result = await inTransaction(this.em, async (tx) => {
          const value = await work(tx);
          appended = this.#appended.has(tx);
          return value;
        });
        if (appended) this.broker?.hint();
        return result;
      } catch (error) {
        if (attempt >= MOST_DEADLOCKS || !isDeadlock(error)) throw error;
        conflicts().add(1, { category: 'deadlock' });
      }
    }
  };

  /**
   * Load, decide, append, project, commit. On a conflict it looks again and decides anew, unless the caller sent If-Match.
   * With an idempotency key in the context, a repeated request gets the first one's answer (`replayed`): take ids from
   * `aggregateId(handled.stream)`, not from what you made for this request.
   * @throws Refused, RevisionConflict, InvalidEvent, IdempotencyKeyReused; the problem filter knows them all.
   */
  async handle<State, Command, Event extends Message>(
    decider: Decider<State, Command, Event>,
    request: LedgerRequest<Command, State>,
    project?: Project<ViewTransaction, Event>,
  ): Promise<Handled<Event>> {
    return observed(decider.category, request.command, async () => {
      let attempts = 0;
      const transact = <T>(work: (tx: ViewTransaction) => Promise<T>): Promise<T> => {
        attempts += 1;
        return this.transact(work);
      };
      try {
        const sealer = await this.keyring?.sealerFor(request.context);
        const handled = await handle(transact, decider, commandRequest(decider.category, request, sealer), project, { seal: sealer?.seal });
        if (wasAppended(handled)) this.broker?.hint();
        return handled;
      } finally {
        if (attempts > 1) conflicts().add(attempts - 1, { category: decider.category });
      }
    });
  }

  /** The same inside a transaction that the caller holds, one attempt: in consumers, and for several streams in one commit. */
  async handleWithin<State, Command, Event extends Message>(
    tx: ViewTransaction,
    decider: Decider<State, Command, Event>,
    request: LedgerRequest<Command, State>,
    project?: Project<ViewTransaction, Event>,
  ): Promise<Handled<Event>> {
    return observed(decider.category, request.command, async () => {
      const sealer = await this.keyring?.sealerFor(request.context);
      const handled = await handleWithin(tx, decider, commandRequest(decider.category, request, sealer), project, sealer?.seal);
      if (wasAppended(handled)) this.#appended.add(tx);
      return handled;
    });
  }

  /**
   * Several streams in one commit: `work` calls handleWithin for each, and runs anew after a conflict.
   * Two streams of the same category need contexts with different idempotency keys.
   */
  async together<T>(context: CommandContext, work: (tx: ViewTransaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.transact(work);
      } catch (error) {
        // With a key the streams may have grown by this very request, come twice at once: then its answer is there now.
        const again =
          error instanceof AlreadyAppended ||
          (error instanceof RevisionConflict && (context.expected === undefined || (context.idempotency !== undefined && attempt === 1)));
        if (!again || attempt >= 10) throw error;
        conflicts().add(1, { category: 'together' });
      }
    }
  }

  /** The events of one stream in order, outside of any transaction. Empty: there is no such stream. */
  async readStream(stream: string): Promise<readonly RecordedEvent[]> {
    return readStream(this.sql, stream);
  }

  /** SQL outside of any transaction, on the service's pool. */
  get sql(): ViewTransaction['sql'] {
    return sqlOf(this.em.fork({ useContext: false }));
  }
}

const MOST_DEADLOCKS = 5;

/** PostgreSQL has chosen this transaction to be the one that others go on without (40P01); nothing of it is left. */
function isDeadlock(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) if ((at as { code?: unknown }).code === '40P01') return true;
  return false;
}

const wasAppended = (handled: Handled): boolean => !handled.replayed && handled.events.length > 0;

function commandRequest<Command, State>(category: string, { stream, command, context, subjects, expected, snapshot }: LedgerRequest<Command, State>, sealer: Sealer | undefined): CommandRequest<Command, State> {
  const { expected: ifMatch, idempotency, ...attribution } = context;
  return {
    stream,
    command,
    attribution: { ...attribution, traceparent: traceparent() || attribution.traceparent },
    subjects,
    expected: ifMatch ?? expected,
    snapshot,
    // One request may touch several kinds of streams, and a project cannot know which keys another one uses.
    ...(idempotency
      ? { idempotency: { key: `${context.projectId}/${category}/${idempotency.key}`, fingerprint: sealer?.fingerprint(idempotency.fingerprint) ?? idempotency.fingerprint } }
      : {}),
  };
}

/** A span and the measures of one command. A refusal is an answer, not a failure of the service: its span is no error. */
async function observed<Event extends Message>(category: string, command: unknown, work: () => Promise<Handled<Event>>): Promise<Handled<Event>> {
  const type = (command as { readonly type?: unknown } | null)?.type;
  const name = typeof type === 'string' ? type : category;
  const started = performance.now();
  const done = (outcome: string) => {
    commands().add(1, { command: name, outcome });
    commandSeconds().record((performance.now() - started) / 1000, { command: name });
  };
  const result = await inSpan(`command ${name}`, { attributes: { 'vitae.category': category } }, async (span) => {
    try {
      const handled = await work();
      span.setAttributes({ 'vitae.stream': handled.stream, 'vitae.revision': handled.revision, 'vitae.events': handled.events.length });
      done(handled.replayed ? 'replayed' : handled.events.length === 0 ? 'unchanged' : 'accepted');
      return { handled };
    } catch (error) {
      if (error instanceof Refused) {
        span.setAttribute('vitae.refused', error.reason);
        refusals().add(1, { command: name, reason: error.reason });
        done('refused');
        return { error };
      }
      if (error instanceof RevisionConflict) {
        span.setAttribute('vitae.conflict', error.actual);
        conflicts().add(1, { category });
        done('conflict');
        return { error };
      }
      done('failed');
      throw error;
    }
  });
  if (result.error) throw result.error;
  return result.handled;
}

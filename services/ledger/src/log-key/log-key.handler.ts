import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { LogKeyRotated } from '@vitae/contracts';
import { Refused, streamName, type Handled, type RecordedEvent } from '@vitae/event-store';
import { Ledger, type CommandContext } from '@vitae/service-kit';
import { newSigner, rotationStatement, type Signer } from '@vitae/transparency';
import { LogTables } from '../transparency/log-tables.store.ts';
import { LogKeyFiles } from './log-key-files.store.ts';
import { logKey, noSuchKey } from './log-key.ts';

export class ForLogKey extends Command<Handled<LogKeyRotated>> {
  constructor(
    /** A key whose file somebody put beside the others; without it a new one is made. */
    readonly newVerifierKey: string | undefined,
    readonly context: CommandContext,
  ) {
    super();
  }
}

/** The stream of the log's key. */
export const logKeyStream = (ledgerId: string): string => streamName(logKey.category, ledgerId);

@CommandHandler(ForLogKey)
export class LogKeyHandler implements ICommandHandler<ForLogKey> {
  constructor(
    private readonly ledger: Ledger,
    private readonly tables: LogTables,
    private readonly files: LogKeyFiles,
  ) {}

  async execute({ newVerifierKey, context }: ForLogKey): Promise<Handled<LogKeyRotated>> {
    const ledgerId = await this.tables.ledgerId();
    const stream = logKeyStream(ledgerId);
    const { origin } = this.files;
    const history = (await this.ledger.readStream(stream)) as readonly RecordedEvent<LogKeyRotated>[];
    const old = await this.#mustHave(history.at(-1)?.event.newVerifierKey ?? this.files.first);
    const made = newVerifierKey === undefined ? newSigner(origin) : undefined;
    const next = made ?? (await this.#mustHave(newVerifierKey ?? ''));

    // The key is on disk before the ledger says that it signs: nobody can be left with a key that is gone.
    if (made) await this.files.keep(made);
    const command = { type: 'RotateLogKey', origin, oldVerifierKey: old.verifierKey, newVerifierKey: next.verifierKey, statement: rotationStatement(origin, old, next.verifierKey) } as const;
    try {
      const handled = await this.ledger.handle(logKey, { stream, command, context, subjects: [`log:${ledgerId}`] });
      const inForce = handled.events.some(({ event }) => event.newVerifierKey === next.verifierKey);
      if (made && !inForce) await this.files.forget(made); // an earlier request under this idempotency key made another
      return handled;
    } catch (error) {
      // Only a refusal is sure to have stored nothing: after any other error the event may be there, and the key stays.
      if (made && error instanceof Refused) await this.files.forget(made);
      throw error;
    }
  }

  async #mustHave(verifierKey: string): Promise<Signer> {
    const signer = await this.files.signer(verifierKey);
    if (!signer) throw noSuchKey(verifierKey, this.files.files);
    return signer;
  }
}

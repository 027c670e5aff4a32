import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled } from '@vitae/event-store';
import { Ledger, type CommandContext } from '@vitae/service-kit';
import { apiToken, type ApiTokenCommand, type ApiTokenEvent } from './api-token.ts';
import { storeApiTokens } from './api-tokens.store.ts';

export class ForApiToken extends Command<Handled<ApiTokenEvent>> {
  constructor(
    readonly command: ApiTokenCommand,
    readonly context: CommandContext,
    /** Of a token that is issued: the SHA-256 of its secret. It goes beside the event and never into it. */
    readonly secretHash?: Buffer,
  ) {
    super();
  }
}

@CommandHandler(ForApiToken)
export class ApiTokenHandler implements ICommandHandler<ForApiToken> {
  constructor(private readonly ledger: Ledger) {}

  execute({ command, context, secretHash }: ForApiToken): Promise<Handled<ApiTokenEvent>> {
    const request = { stream: streamName(apiToken.category, command.tokenId), command, context: ofCaller(context), subjects: [`api-token:${command.tokenId}`] };
    return this.ledger.handle(apiToken, request, (tx, events) => storeApiTokens(tx.sql, events, secretHash));
  }
}

/** All projects share these streams, so a key is the caller's own: else one would be answered with what another made. */
const ofCaller = ({ idempotency, ...context }: CommandContext): CommandContext => ({
  ...context,
  ...(idempotency ? { idempotency: { ...idempotency, key: `${context.actor.id}/${idempotency.key}` } } : {}),
});

import type { CommandContext } from '@vitae/service-kit';

/** The context with a reason in any case: the caller's own, or else what the service can say of the command. */
export const because = (context: CommandContext, otherwise: string): CommandContext => ({ ...context, reason: context.reason || otherwise.slice(0, 2_000) });

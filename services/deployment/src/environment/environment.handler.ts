import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { EnvironmentCreated } from '@vitae/contracts';
import { streamName, type Handled } from '@vitae/event-store';
import { Ledger, type CommandContext } from '@vitae/service-kit';
import { environment, type EnvironmentCommand } from './environment.ts';
import { projectEnvironments } from './environments.view.ts';

export class ForEnvironment extends Command<Handled<EnvironmentCreated>> {
  constructor(
    readonly command: EnvironmentCommand,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForEnvironment)
export class EnvironmentHandler implements ICommandHandler<ForEnvironment> {
  constructor(private readonly ledger: Ledger) {}

  execute({ command, context }: ForEnvironment): Promise<Handled<EnvironmentCreated>> {
    const { environmentId } = command;
    const request = { stream: streamName(environment.category, environmentId), command, context, subjects: [`environment:${environmentId}`] };
    return this.ledger.handle(environment, request, projectEnvironments);
  }
}

import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { ModelRegistered } from '@vitae/contracts';
import { streamName, type Handled } from '@vitae/event-store';
import { type CommandContext, Ledger, violates } from '@vitae/service-kit';
import { model, modelNameTaken, type RegisterModel } from './model.ts';
import { projectModel } from './models.view.ts';

export class ForModel extends Command<Handled<ModelRegistered>> {
  constructor(
    readonly command: RegisterModel,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForModel)
export class ModelHandler implements ICommandHandler<ForModel> {
  constructor(private readonly ledger: Ledger) {}

  async execute({ command, context }: ForModel): Promise<Handled<ModelRegistered>> {
    const { modelId, useCaseId, name } = command;
    const request = {
      stream: streamName(model.category, modelId),
      command,
      context: { ...context, reason: context.reason || `Registers the model ${name}.` },
      subjects: [`model:${modelId}`, `use-case:${useCaseId}`],
    };
    try {
      return await this.ledger.handle(model, request, projectModel);
    } catch (error) {
      throw violates(error, 'model_name_once') ? modelNameTaken(name) : error;
    }
  }
}

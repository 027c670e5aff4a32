import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { EvidenceExported } from '@vitae/contracts';
import { streamName, type Handled } from '@vitae/event-store';
import { Ledger, type CommandContext } from '@vitae/service-kit';
import { evidence, exportedBefore, type ExportEvidence } from './evidence.ts';

export class ForEvidence extends Command<Handled<EvidenceExported>> {
  constructor(
    readonly command: ExportEvidence,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForEvidence)
export class EvidenceHandler implements ICommandHandler<ForEvidence> {
  constructor(private readonly ledger: Ledger) {}

  /** The event concerns what the pack is about: so it is in the next pack, and in the model's history. */
  async execute({ command, context }: ForEvidence): Promise<Handled<EvidenceExported>> {
    const { evidenceId, subjects } = command;
    const handled = await this.ledger.handle(evidence, { stream: streamName(evidence.category, evidenceId), command, context, subjects: [...subjects, `evidence:${evidenceId}`] });
    if (handled.replayed) throw exportedBefore();
    return handled;
  }
}

import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled } from '@vitae/event-store';
import { Ledger, type CommandContext } from '@vitae/service-kit';
import { v5 as uuidv5 } from 'uuid';
import { erasure, type ErasureCommand, type ErasureEvent } from './erasure.ts';

/** Makes ids of persons' names; any UUID will do, and this one MUST NOT change. */
const PERSONS = '2f6e9a52-7a35-5c1f-9a0e-6d8f5b1c4e70';

/** The stream about a person. Named by a digest: an actor's id may hold what a stream's name may not. */
export const erasureStream = (person: string): string => streamName(erasure.category, uuidv5(person, PERSONS));

export class ForErasure extends Command<Handled<ErasureEvent>> {
  constructor(
    readonly person: string,
    readonly command: ErasureCommand,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForErasure)
export class ErasureHandler implements ICommandHandler<ForErasure> {
  constructor(private readonly ledger: Ledger) {}

  execute({ person, command, context }: ForErasure): Promise<Handled<ErasureEvent>> {
    return this.ledger.handle(erasure, { stream: erasureStream(person), command, context, subjects: [`erasure:${uuidv5(person, PERSONS)}`] });
  }
}

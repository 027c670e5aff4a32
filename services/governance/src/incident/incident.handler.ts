import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled } from '@vitae/event-store';
import { Ledger, type CommandContext } from '@vitae/service-kit';
import { originOf } from '../stream-origin.handler.ts';
import { incident, noSuchIncident, type IncidentCommand, type IncidentEvent } from './incident.ts';
import { projectIncidents } from './incidents.view.ts';

/** Orders for an incident that exists; the consumer of the lifecycle reports them. */
export class ForIncident extends Command<Handled<IncidentEvent>> {
  constructor(
    readonly id: string,
    readonly command: Extract<IncidentCommand, { type: 'CloseIncident' }>,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForIncident)
export class IncidentHandler implements ICommandHandler<ForIncident> {
  constructor(private readonly ledger: Ledger) {}

  async execute({ id, command, context }: ForIncident): Promise<Handled<IncidentEvent>> {
    const origin = await originOf(this.ledger, incident.category, id, context.projectId);
    if (!origin) throw noSuchIncident(id);
    return this.ledger.handle(incident, { stream: streamName(incident.category, id), command, context, subjects: origin.subjects }, projectIncidents);
  }
}

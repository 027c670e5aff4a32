import { streamName, type RecordedEvent } from '@vitae/event-store';
import { Ledger, LedgerConsumer, reactionContext, type LedgerHandler, type ViewTransaction } from '@vitae/service-kit';
import { v7 as uuid } from 'uuid';
import { incident } from '../incident/incident.ts';
import { projectIncidents } from '../incident/incidents.view.ts';
import { retirement } from '../retirement/retirement.ts';
import { projectRetirements } from '../retirement/retirements.view.ts';
import { projectContributions } from './contributions.view.ts';
import { reactionTo, versionConcerned } from './reactions.ts';
import { projectReferences } from './referenced-versions.view.ts';
import { modelVersionById, projectRegistry } from './registry.view.ts';

/** What governance hears from the other services: first the views take it in, then governance reacts, in one transaction. */
@LedgerConsumer({ name: 'governance.lifecycle' })
export class LifecycleConsumer implements LedgerHandler {
  constructor(private readonly ledger: Ledger) {}

  async handle(event: RecordedEvent, tx: ViewTransaction): Promise<void> {
    await projectRegistry(tx, event);
    await projectReferences(tx, event);
    await projectContributions(tx, event);
    const concerned = versionConcerned(event);
    if (concerned === undefined) return;
    const version = await modelVersionById(tx.em, event.projectId, concerned);
    const reaction = reactionTo(event, version ?? undefined, { incidentId: uuid(), retrainingRequestId: uuid() });
    if (!reaction) return;
    const context = reactionContext(event, 'governance', reaction.reason, reaction.on);
    if (reaction.on === 'incident') {
      const { id, command, subjects } = reaction;
      await this.ledger.handleWithin(tx, incident, { stream: streamName(incident.category, id), command, context, subjects }, projectIncidents);
    } else {
      const { id, command } = reaction;
      const subjects = [`model:${version?.modelId}`, `model-version:${concerned}`, `retirement:${id}`];
      await this.ledger.handleWithin(tx, retirement, { stream: streamName(retirement.category, id), command, context, subjects }, projectRetirements);
    }
  }
}

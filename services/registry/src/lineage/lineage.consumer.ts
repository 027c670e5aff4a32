import type { RecordedEvent } from '@vitae/event-store';
import { LedgerConsumer, type LedgerHandler, type ViewTransaction } from '@vitae/service-kit';
import { projectTold } from '../openlineage/told.view.ts';
import { projectLineage } from './lineage.view.ts';

export const LINEAGE_CONSUMER = 'registry.lineage';

/** Keeps the graph, and what is told to others, from the events of all services in the ledger's order. */
@LedgerConsumer({ name: LINEAGE_CONSUMER })
export class LineageConsumer implements LedgerHandler {
  handle(recorded: RecordedEvent, tx: ViewTransaction): Promise<void> {
    return projectFollowedLineage(tx, recorded);
  }
}

export async function projectFollowedLineage(tx: ViewTransaction, recorded: RecordedEvent): Promise<void> {
  await projectLineage(tx, recorded);
  await projectTold(tx, recorded);
}

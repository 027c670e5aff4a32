import type { RecordedEvent } from '@vitae/event-store';
import { streamName } from '@vitae/event-store';
import type { Ledger } from '@vitae/service-kit';

/**
 * The first event of an aggregate: who began it and what it concerns. It never changes, so it may be read ahead of the
 * command's own transaction. Undefined where the aggregate is not, or is another project's, which is told alike.
 */
export async function originOf(ledger: Ledger, category: string, id: string, projectId: string): Promise<RecordedEvent | undefined> {
  const [first] = await ledger.readStream(streamName(category, id));
  return first?.projectId === projectId ? first : undefined;
}

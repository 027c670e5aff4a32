import type { DatasetVersionRegistered, EndpointCreated } from '@vitae/contracts';
import type { RecordedEvent } from '@vitae/event-store';
import { LedgerConsumer, type LedgerHandler, type ViewTransaction } from '@vitae/service-kit';
import { projectDatasetVersion } from './dataset-versions.view.ts';
import { projectEndpoint } from './endpoints.view.ts';

/** Keeps what monitoring must know of the other services' things. */
@LedgerConsumer({ name: 'monitoring.lifecycle' })
export class LifecycleConsumer implements LedgerHandler {
  handle(recorded: RecordedEvent, tx: ViewTransaction): Promise<void> {
    return projectLifecycle(tx, recorded);
  }
}

export async function projectLifecycle({ em }: ViewTransaction, recorded: RecordedEvent): Promise<void> {
  const event = recorded.event as EndpointCreated | DatasetVersionRegistered | { readonly $typeName: 'another event' };
  switch (event.$typeName) {
    case 'vitae.deployment.v1.EndpointCreated':
      return projectEndpoint(em, recorded, event);
    case 'vitae.registry.v1.DatasetVersionRegistered':
      return projectDatasetVersion(em, recorded, event);
    case 'another event':
      return;
  }
}

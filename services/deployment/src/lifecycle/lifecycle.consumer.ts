import type { Message } from '@bufbuild/protobuf';
import type { RecordedEvent } from '@vitae/event-store';
import { LedgerConsumer, type LedgerHandler, type ViewTransaction } from '@vitae/service-kit';
import { projectLifecycle, type Followed } from './lifecycle.view.ts';

const FOLLOWED: readonly string[] = [
  'vitae.registry.v1.ModelRegistered',
  'vitae.registry.v1.ModelVersionRegistered',
  'vitae.registry.v1.ModelVersionReferenced',
  'vitae.registry.v1.ExternalModelVersionRegistered',
  'vitae.registry.v1.ModelVersionRetired',
  'vitae.registry.v1.ModelDeleted',
  'vitae.registry.v1.ModelRestored',
  'vitae.registry.v1.ModelVersionDeleted',
  'vitae.registry.v1.ModelVersionRestored',
  'vitae.registry.v1.ModelVersionPurged',
  'vitae.governance.v1.GateDecided',
] satisfies Followed['$typeName'][];

/** Keeps what registry and governance have said. */
@LedgerConsumer({ name: 'deployment.lifecycle' })
export class LifecycleConsumer implements LedgerHandler {
  async handle({ event, projectId }: RecordedEvent, tx: ViewTransaction): Promise<void> {
    if (isFollowed(event)) await projectLifecycle(tx, projectId, event);
  }
}

const isFollowed = (event: Message): event is Followed => FOLLOWED.includes(event.$typeName);

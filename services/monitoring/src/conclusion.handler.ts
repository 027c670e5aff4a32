import { create } from '@bufbuild/protobuf';
import { ActorKind, ActorSchema } from '@vitae/contracts';
import { traceparent, type CommandContext } from '@vitae/service-kit';

/** Why and in what chain monitoring itself concluded something. */
export interface Conclusion {
  readonly projectId: string;
  readonly reason: string;
  readonly correlationId: string;
  /** Id of the event that led to it; empty when rows of traffic did. */
  readonly causationId: string;
}

/** The context of a command that nobody gave: the rows did. The actor is the service itself. */
export function conclusion({ projectId, reason, correlationId, causationId }: Conclusion): CommandContext {
  return {
    projectId,
    actor: create(ActorSchema, { id: 'monitoring', kind: ActorKind.SYSTEM }),
    reason: reason.slice(0, 2_000),
    occurredAt: new Date().toISOString(),
    correlationId,
    causationId,
    traceparent: traceparent(),
  };
}

import type { RecordedEvent } from '@vitae/event-store';

/** The event behind what a service does on its own, as views keep it: so that one chain of causes and one trace go through. */
export interface Cause {
  readonly eventId: string;
  readonly correlationId: string;
  readonly traceparent: string;
}

export const causeOf = ({ id, correlationId, traceparent }: RecordedEvent): Cause => ({ eventId: id, correlationId, traceparent });

import type { Message } from '@bufbuild/protobuf';
import { eventToJson, InvalidEvent } from '@vitae/contracts';
import type { AppendRequest, ExpectedRevision } from './append.ts';
import { newEventId } from './event-id.ts';
import { metadataOf, type RecordedEvent } from './recorded-event.ts';

/** An append in the form in which it is stored: checked against its contract, with ids, as the exact texts. */
export interface PreparedAppend<Event extends Message = Message> {
  readonly request: AppendRequest<Event>;
  readonly subjects: readonly string[];
  readonly metadata: string;
  /** At least one. */
  readonly events: readonly { readonly id: string; readonly event: Event; readonly payload: string }[];
}

/** What fits into one message of NATS, whose limit is 1 MiB unless set higher: a larger event could never be published. */
const MAX_PAYLOAD_BYTES = 768 * 1024;

/** The envelope's own constraint (proto/vitae/ledger/v1/envelope.proto). Where subjects are stored and joined, it is relied on. */
const SUBJECT = /^[a-z][a-z-]*:[A-Za-z0-9._-]+$/;

/** Throws InvalidEvent when an event breaks its contract, or is too large to be published. */
export function prepareAppend<Event extends Message>(request: AppendRequest<Event>): PreparedAppend<Event> {
  if (request.events.length === 0) throw new Error(`an append to ${request.stream} needs at least one event`);
  const subjects = [...new Set(request.subjects)];
  const wrong = subjects.find((subject) => !SUBJECT.test(subject));
  if (wrong !== undefined || subjects.length > 32) {
    const message = wrong === undefined ? `has ${subjects.length} items; at most 32 are allowed` : `holds ${JSON.stringify(wrong)}; expected <kind>:<id>`;
    throw new InvalidEvent('vitae.ledger.v1.Envelope', [{ field: 'subjects', message }]);
  }
  return {
    request,
    subjects,
    metadata: metadataOf(request.attribution),
    events: request.events.map((event) => {
      const payload = eventToJson(event);
      if (payload.length > MAX_PAYLOAD_BYTES / 3 && Buffer.byteLength(payload) > MAX_PAYLOAD_BYTES) {
        throw new InvalidEvent(event.$typeName, [{ field: '', message: `has ${Buffer.byteLength(payload)} bytes; at most ${MAX_PAYLOAD_BYTES} fit` }]);
      }
      return { id: newEventId(), event, payload };
    }),
  };
}

/** The expectation as the SQL functions read it: a revision, -1 for any, -2 for any but 0. */
export function expectedCode(expected: ExpectedRevision): number {
  if (typeof expected === 'number') return expected;
  return { noStream: 0, any: -1, exists: -2 }[expected];
}

/** Whether a stream at this revision is what the writer expected. */
export function isMet(expected: ExpectedRevision, revision: number): boolean {
  if (typeof expected === 'number') return revision === expected;
  if (expected === 'noStream') return revision === 0;
  return expected === 'any' || revision > 0;
}

/** What was stored, as it will be read; `first` is the revision of the first event. */
export function recordedOf<Event extends Message>(
  { request, subjects, events }: PreparedAppend<Event>,
  first: number,
  recordedAt: string,
): readonly RecordedEvent<Event>[] {
  return events.map(({ id, event, payload }, i) => ({
    ...request.attribution,
    id,
    stream: request.stream,
    revision: first + i,
    type: event.$typeName,
    subjects,
    recordedAt,
    event,
    payload,
  }));
}

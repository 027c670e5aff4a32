import { headers, type MsgHdrs } from '@nats-io/nats-core';
import { create } from '@bufbuild/protobuf';
import { ActorKind, ActorSchema, eventFromJson } from '@vitae/contracts';
import { subjectOf, type RecordedEvent } from '@vitae/event-store';

/** An event as a NATS message: CloudEvents 1.0, binary content mode, the payload's stored bytes as data. */
export interface WireMessage {
  readonly subject: string;
  readonly headers: MsgHdrs;
  readonly data: Uint8Array;
}

const text = new TextEncoder();
const KINDS = { [ActorKind.HUMAN]: 'human', [ActorKind.MACHINE]: 'machine', [ActorKind.SYSTEM]: 'system' } as const;

/**
 * Writes an event for the wire. Attributes are `ce-` headers, percent-encoded as the CloudEvents NATS
 * protocol binding asks; what CloudEvents has no attribute for are extensions (`ce-index`, `ce-stream`…).
 * The event MUST have its index.
 */
export function toWire(event: RecordedEvent): WireMessage {
  const { index } = event;
  if (index === undefined) throw new Error(`event ${event.id} has no index yet and cannot be published`);
  const subject = subjectOf(event);
  const attributes: Record<string, string> = {
    specversion: '1.0',
    id: event.id,
    source: `/vitae/${event.projectId}/${event.stream.slice(0, event.stream.indexOf('.'))}`,
    type: event.type,
    time: event.occurredAt,
    subject: event.stream,
    datacontenttype: 'application/json',
    index: String(index),
    stream: event.stream,
    revision: String(event.revision),
    projectid: event.projectId,
    subjects: event.subjects.join(' '),
    actorid: event.actor.id,
    actorkind: KINDS[event.actor.kind as keyof typeof KINDS],
    onbehalfof: event.actor.onBehalfOf,
    reason: event.reason,
    recordedtime: event.recordedAt,
    correlationid: event.correlationId,
    causationid: event.causationId,
    traceparent: event.traceparent,
  };
  const hdrs = headers();
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== '') hdrs.set(`ce-${name}`, encode(value));
  }
  if (event.traceparent !== '') hdrs.set('traceparent', event.traceparent);
  return { subject, headers: hdrs, data: text.encode(event.payload) };
}

/** Reads what toWire wrote. Throws on a message that is not one of ours, UnknownEventType on a newer one. */
export function fromWire(message: { readonly headers?: MsgHdrs | undefined; readonly data: Uint8Array }): RecordedEvent {
  const attribute = (name: string): string => decodeURIComponent(message.headers?.get(`ce-${name}`) ?? '');
  const required = (name: string): string => {
    const value = attribute(name);
    if (value === '') throw new Error(`message lacks the CloudEvents attribute ${name}: it is not from the ledger`);
    return value;
  };
  const type = required('type');
  const payload = new TextDecoder().decode(message.data);
  return {
    id: required('id'),
    stream: required('stream'),
    revision: Number(required('revision')),
    index: Number(required('index')),
    type,
    projectId: required('projectid'),
    subjects: attribute('subjects').split(' ').filter((subject) => subject !== ''),
    actor: create(ActorSchema, {
      id: required('actorid'),
      kind: kindNamed(required('actorkind')),
      onBehalfOf: attribute('onbehalfof'),
    }),
    reason: attribute('reason'),
    occurredAt: required('time'),
    recordedAt: required('recordedtime'),
    correlationId: attribute('correlationid'),
    causationId: attribute('causationid'),
    traceparent: attribute('traceparent'),
    payload,
    event: eventFromJson(type, payload),
  };
}

function kindNamed(name: string): ActorKind {
  const found = Object.entries(KINDS).find(([, known]) => known === name);
  if (!found) throw new Error(`unknown kind of actor: ${name}`);
  return Number(found[0]) as ActorKind;
}

/** Percent-encodes what the binding forbids raw: controls, space, double quote, per cent, non-ASCII. */
function encode(value: string): string {
  return value.replace(/[^\x21\x23\x24\x26-\x7e]+/gu, encodeURIComponent);
}

import type { MsgHdrs } from '@nats-io/nats-core';
import { create } from '@bufbuild/protobuf';
import { ActorKind, ActorSchema, eventFromJson } from '@vitae/contracts';
import { subjectOf, type RawEntry, type RecordedEvent } from '@vitae/event-store';

/** An event as a NATS message: CloudEvents 1.0, binary content mode, the payload's stored bytes as data. */
export interface WireMessage {
  readonly subject: string;
  /** The whole header block, as NATS sends it (ADR-4). */
  readonly headers: string;
  readonly data: string;
}

const KINDS = { [ActorKind.HUMAN]: 'human', [ActorKind.MACHINE]: 'machine', [ActorKind.SYSTEM]: 'system' } as const;

/**
 * Writes an event for the wire. Attributes are `ce-` headers, percent-encoded as the CloudEvents NATS
 * protocol binding asks; what CloudEvents has no attribute for are extensions (`ce-index`, `ce-stream`…).
 * The event MUST have its index. `more` are further headers, in safe characters.
 */
export function toWire(event: RecordedEvent | RawEntry, more = ''): WireMessage {
  const own = headerLines((put) => eachOwn(event, put));
  const shared = 'metadata' in event ? sharedLines(event.metadata) : headerLines((put) => eachShared(contextOfEvent(event), put));
  return { subject: subjectOf(event), headers: `NATS/1.0\r\n${own}${shared}${more}\r\n`, data: event.payload };
}

/** Told one by one, not in an object: each event is published, and that object was a third of writing it. */
type Put = (name: string, value: string) => void;

function headerLines(tell: (put: Put) => void): string {
  let lines = '';
  tell((name, value) => {
    if (value !== '') lines += `ce-${name}: ${encode(value)}\r\n`;
  });
  return lines;
}

/** The events of one append have one metadata, and come one behind the other: its lines are written once. */
function sharedLines(metadata: string): string {
  if (metadata !== written.metadata) written = { metadata, lines: headerLines((put) => eachShared(contextIn(metadata), put)) };
  return written.lines;
}

let written = { metadata: '', lines: '' };

/** The event's CloudEvents attributes, as they are; empty where the event says nothing. It MUST have its index. */
export function cloudEventAttributes(event: RecordedEvent | RawEntry): Readonly<Record<string, string>> {
  const attributes: Record<string, string> = {};
  const put: Put = (name, value) => void (attributes[name] = value);
  eachOwn(event, put);
  eachShared('metadata' in event ? contextIn(event.metadata) : contextOfEvent(event), put);
  return attributes;
}

function eachOwn(event: RecordedEvent | RawEntry, put: Put): void {
  const { index, stream, projectId, subjects } = event;
  if (index === undefined) throw new Error(`event ${event.id} has no index yet and cannot be published`);
  put('specversion', '1.0');
  put('id', event.id);
  put('source', `/vitae/${projectId}/${stream.slice(0, stream.indexOf('.'))}`);
  put('type', event.type);
  put('subject', stream);
  put('datacontenttype', 'application/json');
  put('index', String(index));
  put('stream', stream);
  put('revision', String(event.revision));
  put('projectid', projectId);
  put('subjects', typeof subjects === 'string' ? subjects : subjects.join(' '));
  put('recordedtime', event.recordedAt);
}

/** What the events of one append have in common. */
function eachShared(context: Context, put: Put): void {
  put('time', context.time);
  put('actorid', context.actorid);
  put('actorkind', context.actorkind);
  put('onbehalfof', context.onbehalfof);
  put('reason', context.reason);
  put('correlationid', context.correlationid);
  put('causationid', context.causationid);
  put('traceparent', context.traceparent);
}

interface Context {
  readonly time: string;
  readonly actorid: string;
  readonly actorkind: string;
  readonly onbehalfof: string;
  readonly reason: string;
  readonly correlationid: string;
  readonly causationid: string;
  readonly traceparent: string;
}

function contextOfEvent({ occurredAt, actor, reason, correlationId, causationId, traceparent }: RecordedEvent): Context {
  return {
    time: occurredAt,
    actorid: actor.id,
    actorkind: KINDS[actor.kind as keyof typeof KINDS],
    onbehalfof: actor.onBehalfOf,
    reason,
    correlationid: correlationId,
    causationid: causationId,
    traceparent,
  };
}

/** The envelope's fields in metadata, in proto3 JSON: what is empty is left out. */
interface Metadata {
  readonly actor: { readonly id: string; readonly kind: string; readonly onBehalfOf?: string };
  readonly occurredAt: string;
  readonly reason?: string;
  readonly correlationId?: string;
  readonly causationId?: string;
  readonly traceparent?: string;
}

function contextIn(metadata: string): Context {
  const { actor, occurredAt, reason = '', correlationId = '', causationId = '', traceparent = '' } = JSON.parse(metadata) as Metadata;
  return {
    time: occurredAt,
    actorid: actor.id,
    actorkind: actor.kind.slice('ACTOR_KIND_'.length).toLowerCase(),
    onbehalfof: actor.onBehalfOf ?? '',
    reason,
    correlationid: correlationId,
    causationid: causationId,
    traceparent,
  };
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
    occurredAt: new Date(required('time')).toISOString(),
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

const UNSAFE = /[^\x21\x23\x24\x26-\x7e]/;

/** Percent-encodes what the binding forbids raw: controls, space, double quote, per cent, non-ASCII. */
function encode(value: string): string {
  return UNSAFE.test(value) ? value.replace(/[^\x21\x23\x24\x26-\x7e]+/gu, encodeURIComponent) : value;
}

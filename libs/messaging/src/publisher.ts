import type { Msg, MsgHdrs, NatsConnection } from '@nats-io/nats-core';
import { SpanKind, SpanStatusCode, trace, type Span } from '@opentelemetry/api';
import type { RawEntry, RecordedEvent } from '@vitae/event-store';
import { inboxOf } from './answer-inbox.ts';
import { onLost } from './connection-lost.ts';
import { LEDGER_STREAM } from './ledger-stream.ts';
import { contextOf, traceparentOf } from './trace-context.ts';
import { toWire } from './wire.ts';

/** JetStream holds more than the ledger: the database is older than the stream, and must not be published from. */
export class LedgerBehindStream extends Error {
  override readonly name = 'LedgerBehindStream';
}

const WRONG_LAST_SEQUENCE = 10071;
const NO_ANSWER_MS = 10_000;
/** An answer costs server and client about as much as sending the message. */
const ANSWER_EVERY = 64;

/**
 * Publishes consecutive events; the first MUST have index `last sequence of the stream`.
 *
 * Each message says which sequence must be the last before it (`Nats-Expected-Last-Sequence: i` on index
 * i), so that sequence = index + 1 for ever: a second or outdated publisher is refused by the server, and
 * whoever was interrupted sends the same message again without harm. That also makes a `Nats-Msg-Id` needless, which
 * would cost the server memory for each message of its window.
 *
 * All are sent at once, and one inbox counts the answers: a promise and a timer for each message would cost more
 * than the message. Only some are answered, the last among them, for where one message is stored all before it are.
 * `events` SHOULD be a page, not the whole ledger.
 *
 * @returns how many are known to be stored, in order. Fewer than given: somebody else published, or JetStream refused one
 *   of them; ask the stream for its last sequence and go on from there, with one event, for only an event that is answered
 *   says why it was refused. Rejects with that reason, when the connection breaks, and when no answer comes.
 */
export async function publishFrom(nats: NatsConnection, events: readonly (RecordedEvent | RawEntry)[]): Promise<number> {
  if (events.length === 0) return 0;
  const spans = new Map<number, Span>();
  const isAnswered = (n: number): boolean => n === events.length - 1 || n % ANSWER_EVERY === ANSWER_EVERY - 1;
  const answers = answersOn(nats, events.filter((_, n) => isAnswered(n)).length, (n, error) => endSpan(spans, n, error));
  try {
    events.forEach((event, n) => {
      const { span, header } = traced(event);
      if (span) spans.set(n, span);
      const { subject, headers, data } = toWire(event, `Nats-Expected-Last-Sequence: ${event.index}\r\n${header}`);
      const bytes = Buffer.from(headers + data); // made together, they cost half of what they cost one by one; headers are ASCII
      nats.publish(subject, bytes.subarray(headers.length), { ...(isAnswered(n) && { reply: `${answers.inbox}.${n}` }), headers: written(bytes.subarray(0, headers.length)) });
    });
    return await answers.all;
  } finally {
    answers.close();
    for (const span of spans.values()) span.end();
  }
}

interface PublishAnswer {
  readonly seq?: number;
  readonly error?: { readonly err_code?: number; readonly description?: string };
}

/** Counts the answers that `open` messages ask for. `all` resolves with how many messages are known to be stored. */
function answersOn(nats: NatsConnection, open: number, heard: (n: number, error: string | undefined) => void) {
  let stored = 0; // up to the first refusal
  let refused = false;
  let settle: (failure?: Error) => void = () => undefined;
  const all = new Promise<number>((resolve, reject) => {
    settle = (failure) => (failure ? reject(failure) : resolve(stored));
  });
  all.catch(() => undefined); // whoever waits hears of it; nobody may wait any more
  const patience = setTimeout(() => settle(new Error('JetStream did not answer in time')), NO_ANSWER_MS);
  const { inbox, close } = inboxOf(nats).open((broken, n, message) => {
    if (broken) return settle(broken);
    const refusal = refusalIn(message);
    heard(n, refusal?.description);
    if (refusal) {
      if (refusal.err_code !== WRONG_LAST_SEQUENCE) return settle(new Error(`JetStream refused a message: ${refusal.description ?? 'no reason given'}`));
      refused = true;
    } else if (!refused) stored = n + 1;
    open -= 1;
    if (open === 0) settle();
    else patience.refresh();
  });
  const unheard = onLost(nats, () => settle(new Error('the connection to NATS was lost')));
  return {
    all,
    inbox,
    close: () => {
      clearTimeout(patience);
      unheard();
      close();
    },
  };
}

function refusalIn(message: Msg): PublishAnswer['error'] {
  if (message.headers?.code === 503) return { description: 'no JetStream stream takes this subject' };
  const text = message.string();
  return text.includes('"error"') ? (JSON.parse(text) as PublishAnswer).error : undefined;
}

/** A header block that is written already. The client only ever calls `encode` on what it sends. */
const written = (block: Uint8Array): MsgHdrs => ({ encode: () => block }) as unknown as MsgHdrs;

const tracer = trace.getTracer('@vitae/messaging');

/** A span in the trace that the append belongs to, where it belongs to one; a subscriber finds that span in `traceparent`. */
function traced(event: RecordedEvent | RawEntry): { span?: Span; header: string } {
  const traceparent = 'metadata' in event ? (/"traceparent":"([^"]+)"/.exec(event.metadata)?.[1] ?? '') : event.traceparent;
  if (!/^[\da-f-]+$/.test(traceparent)) return { header: '' }; // there is none, or it is no traceparent, and might be no header either
  const parent = contextOf(traceparent);
  const attributes = { 'messaging.system': 'nats', 'messaging.destination.name': LEDGER_STREAM, 'vitae.index': event.index ?? -1 };
  const span = tracer.startSpan(`publish ${event.type}`, { kind: SpanKind.PRODUCER, attributes }, parent);
  const carried = traceparentOf(trace.setSpan(parent, span));
  return { span, header: `traceparent: ${carried === '' ? traceparent : carried}\r\n` };
}

function endSpan(spans: Map<number, Span>, n: number, error: string | undefined): void {
  const span = spans.get(n);
  if (!span) return;
  if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
  span.end();
  spans.delete(n);
}

import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { ActorKind, ActorSchema, eventToJson, UseCaseSubmittedSchema, type UseCaseSubmitted } from '@vitae/contracts';
import type { AppendRequest } from '@vitae/event-store';
import { v7 as uuidv7 } from 'uuid';
import type { Meant } from './journal.ts';

/** What one writer may choose from; the same for all of them, so that they meet. */
export interface Targets {
  /** Streams that everybody appends to, all the time. */
  readonly hot: readonly string[];
  /** Streams that are not there yet, and that several will want to begin. */
  readonly contested: readonly string[];
  /** Idempotency keys: what a key stands for follows from it alone. */
  readonly keys: readonly string[];
}

export const newStream = (id: string = uuidv7()): string => `governance.UseCase-${id}`;

export function targets(name: string): Targets {
  const names = (what: string, count: number): string[] => Array.from({ length: count }, (_, i) => uuidOf(`${name} ${what} ${i}`));
  return { hot: names('hot', 6).map(newStream), contested: names('contested', 400).map(newStream), keys: names('key', 300).map((id) => `key:${id}`) };
}

/** A UUID that follows from a text. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Events that nobody else writes. */
export const newEvents = (count: number): UseCaseSubmitted[] => Array.from({ length: count }, () => create(UseCaseSubmittedSchema, { useCaseId: uuidv7() }));

/** What is meant under an idempotency key, by whoever uses it. */
export function keyedRequest(key: string, { hot, keys }: Targets): AppendRequest<UseCaseSubmitted> {
  const n = keys.indexOf(key);
  const alone = n % 3 !== 0; // a stream of its own, or one where others are
  const events = Array.from({ length: 1 + (n % 4) }, (_, i) => create(UseCaseSubmittedSchema, { useCaseId: uuidOf(`${key} ${i}`) }));
  const stream = alone ? newStream(uuidOf(key)) : (hot[n % hot.length] as string);
  return { ...request(key, stream, alone ? 'noStream' : 'any', events), idempotency: { key, fingerprint: key } };
}

/** The operation's name becomes the correlation id: by it the events are known again. */
export function request(op: string, stream: string, expected: Meant['expected'], events: readonly UseCaseSubmitted[]): AppendRequest<UseCaseSubmitted> {
  return {
    stream,
    expected,
    events,
    subjects: ['model:m-1', `use-case:${stream.slice(-36)}`],
    attribution: {
      projectId: 'chaos',
      actor: create(ActorSchema, { id: 'dana', kind: ActorKind.HUMAN }),
      reason: 'a torture test, "quoted", with ümlauts',
      occurredAt: '2026-11-20T09:00:00.000Z',
      correlationId: op,
      causationId: '',
      traceparent: '',
    },
  };
}

export const meant = ({ stream, expected, events }: AppendRequest<UseCaseSubmitted>): Meant => ({ stream, expected, payloads: events.map(eventToJson) });

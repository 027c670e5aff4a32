import { fromJson, toJson, type JsonValue } from '@bufbuild/protobuf';
import { eventRegistry } from '@vitae/contracts';
import { indexOf, type HistoryItem } from './history-item.ts';

/** A value in JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** The last value of each field, and the index of the event that said it. */
export type Fields = Readonly<Record<string, { readonly value: Json; readonly index: number }>>;

/**
 * What the events of one aggregate say together: each field as the last event that has it said it. An aggregate that
 * consists of several things (an endpoint of its variants) keeps each of them apart, under its id.
 */
export interface StreamState {
  readonly fields: Fields;
  /** By collection and id: `parts.variants['0199…']`. */
  readonly parts: Readonly<Record<string, Readonly<Record<string, Fields>>>>;
}

export const NOTHING: StreamState = { fields: {}, parts: {} };

/** The field under which a state says which event came last: the nearest thing to a status that every aggregate has. */
export const LAST_EVENT = 'lastEvent';

/**
 * Events that speak of one part of their aggregate: into which collection they go, under the value of which fields.
 * An event that is not here speaks of the aggregate itself.
 */
const PARTS: Readonly<Record<string, { readonly collection: string; readonly id: readonly string[]; readonly field?: string }>> = {
  'vitae.deployment.v1.VariantDeployed': { collection: 'variants', id: ['variantId'], field: 'variant' },
  'vitae.deployment.v1.VariantReady': { collection: 'variants', id: ['variantId'] },
  'vitae.deployment.v1.VariantFailed': { collection: 'variants', id: ['variantId'] },
  'vitae.deployment.v1.VariantRemoved': { collection: 'variants', id: ['variantId'] },
  'vitae.governance.v1.ApprovalGranted': { collection: 'approvals', id: ['role', 'approver'] },
  'vitae.governance.v1.ApprovalRefused': { collection: 'approvals', id: ['role', 'approver'] },
  'vitae.governance.v1.RetrainingRequested': { collection: 'retrainingRequests', id: ['retrainingRequestId'] },
  'vitae.deployment.v1.DeploymentRefused': { collection: 'refusals', id: ['modelVersionId', 'permitId'] },
};

/** The state after one more event. Pure, so that the state at an index is the fold of the stream up to it, and nothing else. */
export function withEvent(state: StreamState, item: HistoryItem): StreamState {
  const { type } = item.envelope;
  const index = indexOf(item);
  const payload = spelledOut(type, item.payload);
  const said: Fields = mapValues({ ...payload, [LAST_EVENT]: type.slice(type.lastIndexOf('.') + 1) }, (value) => ({ value, index }));
  const part = PARTS[type];
  if (!part) return { ...state, fields: { ...state.fields, ...said } };
  const named = (part.field === undefined ? payload : (payload[part.field] as Readonly<Record<string, Json>>)) ?? {};
  const id = part.id.map((name) => String(named[name] ?? '')).join('/');
  const collection = state.parts[part.collection] ?? {};
  return { ...state, parts: { ...state.parts, [part.collection]: { ...collection, [id]: { ...collection[id], ...said } } } };
}

/** The state as a document without its sources: `{ …fields, <collection>: { <id>: {…} } }`. */
export function documentOf({ fields, parts }: StreamState): Readonly<Record<string, Json>> {
  const values = (some: Fields): Record<string, Json> => mapValues(some, ({ value }) => value);
  return { ...values(fields), ...mapValues(parts, (collection) => mapValues(collection, values)) };
}

/**
 * The payload with what it leaves out. JSON omits what is zero or absent; to a fold that would mean "as before", and it
 * means "not so now". Of a type that a newer build wrote, what is written.
 */
function spelledOut(type: string, payload: Readonly<Record<string, unknown>>): Readonly<Record<string, Json>> {
  const written = payload as Readonly<Record<string, Json>>;
  const schema = eventRegistry.getMessage(type);
  if (!schema) return written;
  const message = fromJson(schema, written as JsonValue, { registry: eventRegistry, ignoreUnknownFields: true });
  const known = toJson(schema, message, { registry: eventRegistry, alwaysEmitImplicit: true }) as Readonly<Record<string, Json>>;
  return { ...written, ...Object.fromEntries(schema.fields.map(({ jsonName }) => [jsonName, known[jsonName] ?? null])) };
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

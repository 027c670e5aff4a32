import type { Sql } from '@vitae/event-store';
import { Problem } from '@vitae/service-kit';
import type { AsOf } from './as-of.view.ts';
import { readEvents } from './event-search.view.ts';
import { deedOf, type Deed, type HistoryItem } from './history-item.ts';
import { changesBetween, type Change } from './state-diff.ts';
import { documentOf, NOTHING, withEvent, type Json } from './stream-state.ts';

/** An aggregate as it was. */
export interface StateAsOf {
  readonly stream: string;
  readonly asOf: AsOf;
  readonly revision: number;
  /** The last value of each field. Zero values are there, too; a part of the aggregate stands under its collection and id. */
  readonly state: Readonly<Record<string, Json>>;
  /** The index of the event behind each field, in the same shape. */
  readonly sources: Readonly<Record<string, unknown>>;
  readonly since: Deed;
  readonly last: Deed;
}

/** @throws Problem 404 `stream-not-found` when the project has no such stream, or had none then. */
export async function stateAsOf(sql: Sql, projectId: string, stream: string, asOf: AsOf): Promise<StateAsOf> {
  const items = await eventsUpTo(sql, projectId, stream, asOf.index);
  const [first, last] = [items[0], items.at(-1)];
  if (!first || !last) throw noSuchStream(projectId, stream, asOf.index);
  const state = items.reduce(withEvent, NOTHING);
  const indices = (fields: Readonly<Record<string, { readonly index: number }>>) => Object.fromEntries(Object.entries(fields).map(([name, { index }]) => [name, index]));
  const parts = Object.entries(state.parts).map(([collection, byId]) => [collection, Object.fromEntries(Object.entries(byId).map(([id, fields]) => [id, indices(fields)]))]);
  return {
    stream,
    asOf,
    revision: items.length,
    state: documentOf(state),
    sources: { ...indices(state.fields), ...Object.fromEntries(parts) },
    since: deedOf(first),
    last: deedOf(last),
  };
}

/** What became of an aggregate between two points. */
export interface StreamDiff {
  readonly stream: string;
  readonly from: AsOf;
  readonly to: AsOf;
  /** How many events lie in between. */
  readonly events: number;
  readonly changes: readonly (Change & { readonly by: Deed })[];
}

/** Between the states as of `from` and as of `to`. Before the stream's first event, the state is empty. @throws Problem 404 `stream-not-found` */
export async function diffBetween(sql: Sql, projectId: string, stream: string, from: AsOf, to: AsOf): Promise<StreamDiff> {
  const items = await eventsUpTo(sql, projectId, stream, to.index);
  if (items.length === 0) throw noSuchStream(projectId, stream, to.index);
  const deeds = new Map(items.map((item) => [Number(item.envelope.index), deedOf(item)]));
  const changes = changesBetween(items, from.index).flatMap((change) => {
    const by = deeds.get(change.index);
    return by ? [{ ...change, by }] : [];
  });
  return { stream, from, to, events: [...deeds.keys()].filter((index) => index > from.index).length, changes };
}

/** All of them: a state has to know the first event as well as the last. */
async function eventsUpTo(sql: Sql, projectId: string, stream: string, to: number): Promise<readonly HistoryItem[]> {
  const items = await readEvents(sql, { projectId, stream }, { from: 0, to, order: 'asc', limit: MOST_EVENTS });
  if (items.length < MOST_EVENTS) return items;
  throw new Problem(422, 'stream-too-long', 'Stream too long', `${stream} has ${MOST_EVENTS} events or more, too many to fold in one request. Read them page by page: GET …/events?stream=${stream}`);
}

/** Streams are short: an aggregate's life is tens of events. */
const MOST_EVENTS = 20_000;

const noSuchStream = (projectId: string, stream: string, index: number): Problem =>
  new Problem(404, 'stream-not-found', 'Stream not found', `Project ${projectId} has no event of ${stream} up to index ${index}. Ask as of a later point, or correct the stream's name.`);

import type { Sql } from '@vitae/event-store';
import type { EventFilter } from './event-filter.ts';
import { LAST_INDEX, readEvents, type Span } from './event-search.view.ts';
import { indexOf, type HistoryItem } from './history-item.ts';

export interface HistoryPage {
  readonly items: readonly HistoryItem[];
  /** Where the next page begins: its `from` (ascending) or `to` (descending). Absent when nothing follows. */
  readonly next?: number;
  /** The page before this one is the one with `before=<this>`. Absent when nothing goes before. */
  readonly previous?: number;
}

/**
 * A page of the events that the filter holds for. With `before`, the page that ends just before that index in the order
 * asked for. Pages are full as long as there is something to fill them.
 */
export async function eventPage(sql: Sql, filter: EventFilter, span: Span, before?: number): Promise<HistoryPage> {
  const { limit, order } = span;
  const step = order === 'asc' ? 1 : -1;
  if (before !== undefined) {
    const found = await readEvents(sql, filter, { ...upTo(span, before - step), order: order === 'asc' ? 'desc' : 'asc', limit: limit + 1 });
    const items = found.slice(0, limit).reverse();
    const first = items[0];
    return { items, next: before, ...(found.length > limit && first ? { previous: indexOf(first) } : {}) };
  }
  const found = await readEvents(sql, filter, { ...span, limit: limit + 1 });
  const items = found.slice(0, limit);
  const [first, last] = [items[0], items.at(-1)];
  const isFirstPage = order === 'asc' ? span.from === 0 : span.to === LAST_INDEX;
  const earlier = first && !isFirstPage ? await readEvents(sql, filter, { ...beyond(span), limit: 1 }) : [];
  return {
    items,
    ...(found.length > limit && last ? { next: indexOf(last) + step } : {}),
    ...(earlier.length > 0 && first ? { previous: indexOf(first) } : {}),
  };
}

/** The part of the span that ends at an index, in its order. */
const upTo = (span: Span, index: number): Span => (span.order === 'asc' ? { ...span, to: Math.min(span.to, index) } : { ...span, from: Math.max(span.from, index) });

/** What lies before the span, nearest first. */
const beyond = ({ from, to, order, limit }: Span): Span =>
  order === 'asc' ? { from: 0, to: from - 1, order: 'desc', limit } : { from: to + 1, to: LAST_INDEX, order: 'asc', limit };

/** One event by its index; undefined when the ledger is not that long or, with a project, the event is another's. */
export async function eventAt(sql: Sql, projectId: string | undefined, index: number): Promise<HistoryItem | undefined> {
  const [item] = await readEvents(sql, { projectId }, { from: index, to: index, order: 'asc', limit: 1 });
  return item;
}

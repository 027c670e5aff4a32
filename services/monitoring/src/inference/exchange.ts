import type { InferenceMessage } from './cloud-event.ts';
import type { RequestRows, ResponseRows } from './oip-rows.ts';

/**
 * An exchange: one request and its response, which arrive as two messages in either order, at least once each.
 *
 *            other half                              both readable: its rows count, here and now
 *   waiting ------------> complete ----------------> in order of the inference stream
 *      |    \                                        (unreadable: lost)
 *      |     `- the stream has gone on for `waitMs` -> lost        its rows count as missing
 *      `-- the same half again: nothing happens         |
 *                                                       `-- other half after all -> late: can be labelled, counts nowhere
 *
 * Time is the stream's own: an exchange is lost when a message arrives that the stream took `waitMs` later, so that
 * the same messages always give the same rows, windows and verdicts.
 */
export type Exchange = {
  readonly projectId: string;
  readonly endpointId: string;
  readonly variantId: string;
  readonly ceId: string;
  readonly modelVersionId: string;
  readonly state: 'waiting' | 'complete' | 'lost' | 'late';
  /** When the stream took the first half, in milliseconds. */
  readonly receivedAt: number;
  /** When it was served, by the model server's clock. */
  readonly at: string;
  readonly headerId?: string;
  /** `rows` is kept while the response is waited for and then dropped: it may be personal data. */
  readonly request?: Half<RequestRows>;
  readonly response?: Half<ResponseRows>;
  /** Sequence of the message that completed it. */
  readonly completedBy?: number;
};

/** `rows` is undefined when the body was unreadable, or is not needed any more. */
export type Half<Rows> = { readonly sequence: number; readonly rows?: Rows };

/** What a message, or the time it brought, did to the rows of an endpoint; in order of the stream. */
export type Step =
  | { readonly kind: 'rows'; readonly exchange: Exchange; readonly columns: RequestRows['columns']; readonly rows: number }
  | { readonly kind: 'lost'; readonly exchange: Exchange; readonly rows: number; readonly unreadable: boolean };

/** With its project: who may log in one must not meet the exchanges of another. */
export const exchangeKey = ({ projectId, variantId, ceId }: Pick<Exchange, 'projectId' | 'variantId' | 'ceId'>): string => `${projectId} ${variantId} ${ceId}`;

/** The id under which labels find an exchange: X-Request-Id, else the protocol's own, else the event's. The runtime answers under the same. */
export const requestIdOf = ({ request, response, headerId, ceId }: Exchange): string => headerId ?? request?.rows?.id ?? response?.rows?.id ?? ceId;

/**
 * Folds messages into exchanges.
 *
 * @param known the exchanges that the messages belong to, as far as there are any, and those whose wait is over.
 * @param messages in order of the stream.
 * @returns every exchange that changed, as it is now, and the steps. A completed exchange has its request's rows no more.
 */
export function takeMessages(known: readonly Exchange[], messages: readonly InferenceMessage[], waitMs: number): { changed: Exchange[]; steps: Step[] } {
  const all = new Map(known.map((exchange) => [exchangeKey(exchange), exchange]));
  const changed = new Set<string>();
  const steps: Step[] = [];
  // In order of arrival, so that whoever has waited longest is at the front.
  const waiting = known
    .filter(({ state }) => state === 'waiting')
    .sort((a, b) => firstSequence(a) - firstSequence(b))
    .map(exchangeKey);
  let front = 0;

  const put = (exchange: Exchange): void => {
    all.set(exchangeKey(exchange), exchange);
    changed.add(exchangeKey(exchange));
  };
  const giveUp = (now: number): void => {
    for (; front < waiting.length; front += 1) {
      const exchange = all.get(waiting[front] ?? '');
      if (exchange?.state !== 'waiting') continue;
      if (exchange.receivedAt + waitMs > now) return;
      steps.push({ kind: 'lost', exchange, rows: rowsKnown(exchange), unreadable: false });
      put(withoutRows({ ...exchange, state: 'lost' }));
    }
  };

  for (const message of messages) {
    giveUp(message.receivedAt);
    const before = all.get(exchangeKey(message));
    const after = before ? withHalf(before, message) : begun(message);
    if (after === before) continue; // delivered before
    if (!before) waiting.push(exchangeKey(after));
    if (!after.request || !after.response) {
      put(after);
    } else if (after.state === 'lost') {
      put(withoutRows({ ...after, state: 'late', completedBy: message.sequence }));
    } else {
      steps.push(completion(after));
      put(withoutRows({ ...after, state: 'complete', completedBy: message.sequence }));
    }
  }
  return { changed: [...changed].map((key) => all.get(key)).filter((exchange) => exchange !== undefined), steps };
}

function begun(message: InferenceMessage): Exchange {
  const { projectId, endpointId, variantId, ceId, modelVersionId, receivedAt, at, headerId } = message;
  return withHalf({ projectId, endpointId, variantId, ceId, modelVersionId, state: 'waiting', receivedAt, at, ...(headerId ? { headerId } : {}) }, message);
}

/** The same object when this half was there already. */
function withHalf(exchange: Exchange, { content, sequence, at, headerId }: InferenceMessage): Exchange {
  if (exchange[content.half]) return exchange;
  const known = { ...exchange, ...(exchange.headerId === undefined && headerId !== undefined ? { headerId } : {}) };
  // Served when it was asked for: the request's time goes before the response's.
  return content.half === 'request'
    ? { ...known, at, request: { sequence, ...(content.rows ? { rows: content.rows } : {}) } }
    : { ...known, response: { sequence, ...(content.rows ? { rows: content.rows } : {}) } };
}

function completion(exchange: Exchange): Step {
  const asked = exchange.request?.rows;
  const answered = exchange.response?.rows;
  if (asked && answered && asked.rows === answered.rows) return { kind: 'rows', exchange, columns: asked.columns, rows: asked.rows };
  return { kind: 'lost', exchange, rows: rowsKnown(exchange), unreadable: true };
}

const rowsKnown = ({ request, response }: Exchange): number => request?.rows?.rows ?? response?.rows?.rows ?? 1;
const firstSequence = ({ request, response }: Exchange): number => request?.sequence ?? response?.sequence ?? 0;

/** Drops the columns; what the caller asked under which id, and what was predicted, is kept for the labels. */
function withoutRows(exchange: Exchange): Exchange {
  const rows = exchange.request?.rows;
  return rows && exchange.request ? { ...exchange, request: { sequence: exchange.request.sequence, rows: { ...rows, columns: [] } } } : exchange;
}

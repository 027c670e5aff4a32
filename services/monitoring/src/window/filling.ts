import { addValue, emptySummary, type WindowSummary } from '@vitae/statistics';
import type { Reference } from '../baseline/reference.ts';
import type { Step } from '../inference/exchange.ts';

/** The window that an endpoint's rows are being counted into. Integers and names only; nothing of any row. */
export type OpenWindow = {
  /** From 1 for each baseline. */
  readonly number: number;
  rows: number;
  /** Rows that were served and did not arrive whole. */
  lost: number;
  /** RFC 3339, UTC, by the model server's clock; absent before the first row. */
  firstAt?: string;
  lastAt?: string;
  /** Rows by the model version that answered. */
  readonly versions: [modelVersionId: string, rows: number][];
  /** In the order of the reference's features. */
  readonly summaries: WindowSummary[];
};

/** A window that has all its rows. */
export type FullWindow = OpenWindow & { readonly firstAt: string; readonly lastAt: string };

export function emptyWindow(reference: Reference, number: number): OpenWindow {
  return { number, rows: 0, lost: 0, versions: [], summaries: reference.features.map(([, bins]) => emptySummary(bins)) };
}

/** Rows that arrived, of those that were served. */
export const completenessOf = ({ rows, lost }: { readonly rows: number; readonly lost: number }): number => (rows + lost === 0 ? 1 : rows / (rows + lost));

/**
 * Counts steps into windows of exactly `windowRows` rows, in their order. A request's rows may end one window and
 * begin the next. `open` is left as it was.
 */
export function fillWindows(reference: Reference, open: OpenWindow, steps: readonly Step[]): { full: FullWindow[]; open: OpenWindow } {
  const full: FullWindow[] = [];
  let window = structuredClone(open);
  for (const step of steps) {
    if (step.kind === 'lost') {
      window.lost += step.rows;
      continue;
    }
    const columns = new Map(step.columns);
    const values = reference.features.map(([name]) => columns.get(name));
    for (let row = 0; row < step.rows; row += 1) {
      countRow(reference, window, values, row);
      noteRow(window, step.exchange.modelVersionId, step.exchange.at);
      if (window.rows < reference.windowRows) continue;
      full.push(window as FullWindow);
      window = emptyWindow(reference, window.number + 1);
    }
  }
  return { full, open: window };
}

/** A feature that the request does not have is a missing value. */
function countRow(reference: Reference, window: OpenWindow, values: readonly (readonly unknown[] | undefined)[], row: number): void {
  reference.features.forEach(([, bins], feature) => {
    const summary = window.summaries[feature];
    if (summary) addValue(bins, summary, values[feature]?.[row]);
  });
}

function noteRow(window: OpenWindow, modelVersionId: string, at: string): void {
  window.rows += 1;
  if (window.firstAt === undefined || at < window.firstAt) window.firstAt = at;
  if (window.lastAt === undefined || at > window.lastAt) window.lastAt = at;
  const version = window.versions.find(([id]) => id === modelVersionId);
  if (version) version[1] += 1;
  else window.versions.push([modelVersionId, 1]);
}

import { describe, expect, it } from '@jest/globals';
import { DEFAULT_DRIFT_RULE, fitCategorical, fitNumeric } from '@vitae/statistics';
import type { Reference } from '../baseline/reference.ts';
import type { Exchange, Step } from '../inference/exchange.ts';
import { completenessOf, emptyWindow, fillWindows } from './filling.ts';

const reference: Reference = {
  features: [['age', fitNumeric([20, 30, 40])], ['housing', fitCategorical(['own', 'rent'])]],
  windowRows: 3,
  rule: DEFAULT_DRIFT_RULE,
};
const exchange = (modelVersionId: string, second: number): Exchange => ({
  projectId: 'credit',
  endpointId: 'endpoint',
  variantId: 'variant',
  ceId: String(second),
  modelVersionId,
  state: 'complete',
  receivedAt: 0,
  at: `2026-03-01T10:00:0${second}.000Z`,
});
const rows = (ages: unknown[], second: number, modelVersionId = 'v1', more: [string, unknown[]][] = []): Step => ({
  kind: 'rows',
  exchange: exchange(modelVersionId, second),
  columns: [['age', ages], ['unknown to the baseline', ages], ...more],
  rows: ages.length,
});
const lost = (count: number): Step => ({ kind: 'lost', exchange: exchange('v1', 1), rows: count, unreadable: false });

describe('filling windows', () => {
  it('closes a window at its last row and goes on with the rest of the request', () => {
    const { full, open } = fillWindows(reference, emptyWindow(reference, 1), [rows([20, 30], 2), rows([40, 50, 20], 1, 'v2')]);
    expect(full).toEqual([
      {
        number: 1,
        rows: 3,
        lost: 0,
        firstAt: '2026-03-01T10:00:01.000Z',
        lastAt: '2026-03-01T10:00:02.000Z',
        versions: [['v1', 2], ['v2', 1]],
        summaries: [
          { kind: 'numeric', counts: [1, 1, 1], below: 0, above: 0, missing: 0, typeErrors: 0 },
          { kind: 'categorical', counts: [0, 0], other: 0, missing: 3, typeErrors: 0 },
        ],
      },
    ]);
    expect(open).toMatchObject({ number: 2, rows: 2, versions: [['v2', 2]], summaries: [{ counts: [1, 0, 0], above: 1 }, { missing: 2 }] });
  });

  it('closes several windows at once', () => {
    const { full, open } = fillWindows(reference, emptyWindow(reference, 5), [rows([1, 2, 3, 4, 5, 6, 7], 1)]);
    expect(full.map(({ number, rows: n }) => [number, n])).toEqual([[5, 3], [6, 3]]);
    expect(open).toMatchObject({ number: 7, rows: 1 });
  });

  it('counts what did not arrive in the window that was open then', () => {
    const { full, open } = fillWindows(reference, emptyWindow(reference, 1), [lost(1), rows([20, 30, 40], 1), lost(4)]);
    expect(full).toMatchObject([{ rows: 3, lost: 1 }]);
    expect(open).toMatchObject({ rows: 0, lost: 4 });
    expect(full.map(completenessOf)).toEqual([0.75]);
  });

  it('leaves the window that it was given as it was, and survives JSON between two batches', () => {
    const before = emptyWindow(reference, 1);
    const steps = [rows([20], 1), rows([30], 2), rows([40], 3), rows([20], 4)];
    const once = fillWindows(reference, before, steps);
    expect(before).toEqual(emptyWindow(reference, 1));
    let open = before;
    const full = steps.flatMap((step) => {
      const filled = fillWindows(reference, JSON.parse(JSON.stringify(open)) as typeof open, [step]);
      open = filled.open;
      return filled.full;
    });
    expect({ full, open }).toEqual(once);
  });
});

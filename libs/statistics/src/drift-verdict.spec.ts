import { describe, expect, it } from '@jest/globals';
import { fitCategorical, fitNumeric } from './bins.ts';
import { DEFAULT_DRIFT_RULE, judgeWindow, type DriftWindow } from './drift-verdict.ts';
import { summarise } from './window-summary.ts';

const evenly = (rows: number, from: number, to: number) => Array.from({ length: rows }, (_, i) => from + ((to - from) * (i + 0.5)) / rows);
const cycle = (rows: number, ...categories: (string | null)[]) => Array.from({ length: rows }, (_, i) => categories[i % categories.length] ?? null);

const baselines = {
  amount: fitNumeric(evenly(4000, 0, 100)),
  country: fitCategorical(cycle(4000, 'DE', 'FR', 'US', 'US')),
};
const windowOf = (amount: readonly unknown[], country: readonly unknown[], completeness = 1): DriftWindow => ({
  completeness,
  summaries: { amount: summarise(baselines.amount, amount), country: summarise(baselines.country, country) },
});
const healthy = { amount: evenly(400, 0, 100), country: cycle(400, 'DE', 'FR', 'US', 'US') };

describe('drift verdict of one window', () => {
  it('given the distribution of the reference, then HEALTHY, and every distance is still reported', () => {
    const verdict = judgeWindow(baselines, windowOf(healthy.amount, healthy.country));
    expect(verdict).toMatchObject({ state: 'HEALTHY', insufficient: [] });
    expect(verdict.findings).toEqual([
      { feature: 'amount', rows: 400, referenceRows: 4000, psi: expect.closeTo(0, 6), psiCorrected: 0, cells: 10, pValue: 1, qValue: 1, effect: 'NONE', fires: false },
      { feature: 'country', rows: 400, referenceRows: 4000, psi: expect.closeTo(0, 5), psiCorrected: 0, cells: 3, pValue: 1, qValue: 1, effect: 'NONE', fires: false },
    ]);
  });

  it('given one feature that moved, then DRIFTED, and that one alone fires', () => {
    const verdict = judgeWindow(baselines, windowOf(evenly(400, 30, 100), healthy.country));
    expect(verdict.state).toBe('DRIFTED');
    expect(verdict.findings).toMatchObject([{ feature: 'amount', effect: 'CRITICAL', fires: true }, { feature: 'country', fires: false }]);
  });

  it('given evidence without effect, then nothing fires: a large window finds every trifle', () => {
    const verdict = judgeWindow(baselines, windowOf(evenly(50_000, 3, 97), healthy.country));
    expect(verdict.findings[0]?.qValue).toBeLessThan(1e-6);
    expect(verdict).toMatchObject({ state: 'HEALTHY', findings: [{ effect: 'NONE', fires: false }, {}] });
  });

  it('given effect without evidence, then nothing fires: a small window strays by chance', () => {
    const few = windowOf(evenly(20, 15, 100), cycle(20, 'DE', 'DE', 'DE', 'FR', 'US'));
    const verdict = judgeWindow(baselines, few, { ...DEFAULT_DRIFT_RULE, minRows: 10, qLevel: 1e-6 });
    expect(verdict).toMatchObject({ state: 'HEALTHY', findings: [{}, { feature: 'country', effect: 'CRITICAL', fires: false }] });
  });

  it('given a category never seen, a constant that changes, or values that turn null, then each fires', () => {
    expect(judgeWindow(baselines, windowOf(healthy.amount, cycle(400, 'DE', 'FR', 'US', 'XX'))).findings[1]).toMatchObject({ effect: 'CRITICAL', fires: true });
    expect(judgeWindow(baselines, windowOf(cycle(400, null), healthy.country)).findings[0]).toMatchObject({ effect: 'CRITICAL', fires: true });

    const constant = { version: fitNumeric(new Array<number>(4000).fill(5)) };
    const changed = { completeness: 1, summaries: { version: summarise(constant.version, new Array<number>(400).fill(7)) } };
    expect(judgeWindow(constant, changed).findings[0]).toMatchObject({ effect: 'CRITICAL', fires: true });
  });

  it('given rows that were lost on the way, then INCOMPLETE: distances are reported and nothing fires', () => {
    const verdict = judgeWindow(baselines, windowOf(evenly(400, 30, 100), healthy.country, 0.94));
    expect(verdict).toMatchObject({ state: 'INCOMPLETE', completeness: 0.94, findings: [{ effect: 'CRITICAL', fires: false }, { fires: false }] });
  });

  it('given too few rows, then INSUFFICIENT_DATA is a state of its own', () => {
    const verdict = judgeWindow(baselines, windowOf(evenly(100, 30, 100), cycle(100, 'DE')));
    expect(verdict).toEqual({ state: 'INSUFFICIENT_DATA', completeness: 1, findings: [], insufficient: ['amount', 'country'] });
  });

  it('given a rule for smaller windows, then they are judged', () => {
    const verdict = judgeWindow(baselines, windowOf(evenly(100, 30, 100), cycle(100, 'DE')), { ...DEFAULT_DRIFT_RULE, minRows: 100 });
    expect(verdict.state).toBe('DRIFTED');
  });

  it('given a feature that did not arrive, then the others are judged and it is named', () => {
    const { amount } = windowOf(healthy.amount, healthy.country).summaries;
    const verdict = judgeWindow(baselines, { completeness: 1, summaries: amount === undefined ? {} : { amount } });
    expect(verdict).toMatchObject({ state: 'HEALTHY', findings: [{ feature: 'amount' }], insufficient: ['country'] });
  });
});

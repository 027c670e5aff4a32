import { describe, expect, it } from '@jest/globals';
import { fitNumeric } from './bins.ts';
import { persist, type DriftHistory } from './drift-persistence.ts';
import { DEFAULT_DRIFT_RULE, judgeWindow } from './drift-verdict.ts';
import { addErrorWindow, fails, startErrorRatioTest } from './sequential.ts';
import { summarise } from './window-summary.ts';

// How often the rules are wrong, by simulation. The generator is seeded: the same numbers on every run.

/** mulberry32: uniform on [0, 1). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Standard normal, by Box and Muller. */
const normal = (uniform: () => number) => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
const sample = (uniform: () => number, rows: number, shift = 0) => Array.from({ length: rows }, () => normal(uniform) + shift);
function errors(uniform: () => number, n: number, rate: number): number {
  let count = 0;
  for (let request = 0; request < n; request += 1) if (uniform() < rate) count += 1;
  return count;
}

describe('drift alerts in windows of 400 rows', () => {
  const features = Array.from({ length: 20 }, (_, i) => `f${i}`);
  const rule = { ...DEFAULT_DRIFT_RULE, minRows: 400 };

  /** The number of the window in which each alert was raised. */
  function raisedIn(windows: number, shift: number, seed: number): number[] {
    const uniform = seeded(seed);
    const baselines = Object.fromEntries(features.map((feature) => [feature, fitNumeric(sample(uniform, 4000))]));
    const raised: number[] = [];
    let history: DriftHistory = {};
    for (let window = 1; window <= windows; window += 1) {
      const summaries = Object.fromEntries(Object.entries(baselines).map(([feature, baseline]) => [feature, summarise(baseline, sample(uniform, 400, shift))]));
      const step = persist(history, judgeWindow(baselines, { summaries, completeness: 1 }, rule), rule);
      history = step.history;
      raised.push(...step.transitions.filter(({ change }) => change === 'RAISE').map(() => window));
    }
    return raised;
  }

  it('given 20 features that do not change, when 50 windows pass, then no alert is raised', () => {
    expect(raisedIn(50, 0, 1)).toEqual([]);
  });

  it('given a shift of half a standard deviation, then every feature is raised, in the second or third window', () => {
    const raised = raisedIn(4, 0.5, 2);
    expect(raised.filter((window) => window <= 3).length).toBeGreaterThanOrEqual(features.length);
    expect(raised.filter((window) => window === 2).length).toBeGreaterThan(features.length / 2);
  });
});

describe('the sequential test, looked at after each of 150 windows of 20 candidate and 180 control requests', () => {
  /** The window in which each run fails at alpha; runs that never fail are left out. */
  function failedIn(runs: number, alpha: number, rates: { candidate: number; control: number }): number[] {
    const uniform = seeded(3);
    const failed: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      let test = startErrorRatioTest();
      for (let window = 1; window <= 150; window += 1) {
        test = addErrorWindow(test, {
          candidate: { n: 20, errors: errors(uniform, 20, rates.candidate) },
          control: { n: 180, errors: errors(uniform, 180, rates.control) },
        });
        if (!fails(test, alpha)) continue;
        failed.push(window);
        break;
      }
    }
    return failed;
  }

  it('given arms with the same error rate, then at most a share alpha of the runs ever fails', () => {
    const runs = 100;
    expect(failedIn(runs, 0.05, { candidate: 0.05, control: 0.05 }).length).toBeLessThanOrEqual(0.05 * runs);
  });

  it('given a candidate with five times the error rate, then every run fails, half of them within 12 windows', () => {
    const failed = failedIn(40, 0.01, { candidate: 0.05, control: 0.01 });
    expect(failed).toHaveLength(40);
    expect(failed.filter((window) => window <= 12).length).toBeGreaterThanOrEqual(20);
  });
});

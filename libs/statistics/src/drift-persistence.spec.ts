import { describe, expect, it } from '@jest/globals';
import { persist, type AlertTransition, type DriftHistory } from './drift-persistence.ts';
import { DEFAULT_DRIFT_RULE, type FeatureFinding, type WindowState, type WindowVerdict } from './drift-verdict.ts';

/** Windows by their corrected PSI: over .1 fires WARN, over .25 CRITICAL, under .08 is calm. `?` is a window without a verdict. */
const windowOf = (psiCorrected: number | '?', feature = 'amount'): WindowVerdict => {
  if (psiCorrected === '?') return { state: 'INSUFFICIENT_DATA', completeness: 1, findings: [], insufficient: [feature] };
  const effect = psiCorrected > 0.25 ? 'CRITICAL' : psiCorrected > 0.1 ? 'WARN' : 'NONE';
  const finding: FeatureFinding = {
    feature, rows: 400, referenceRows: 4000, psi: psiCorrected, psiCorrected, cells: 10, pValue: 0, qValue: 0, effect, fires: effect !== 'NONE',
  };
  return { state: finding.fires ? 'DRIFTED' : 'HEALTHY', completeness: 1, findings: [finding], insufficient: [] };
};

/** Per window: RAISE:severity, CLEAR, or - for no transition. */
function transitionsOf(verdicts: readonly WindowVerdict[], rule = DEFAULT_DRIFT_RULE): string[] {
  let history: DriftHistory = {};
  return verdicts.map((verdict) => {
    const step = persist(history, verdict, rule);
    history = step.history;
    return step.transitions.map(describeTransition).join() || '-';
  });
}
const describeTransition = (transition: AlertTransition) => (transition.change === 'RAISE' ? `RAISE:${transition.severity}` : 'CLEAR');
const after = (...windows: (number | '?')[]) => transitionsOf(windows.map((value) => windowOf(value)));

describe('persistence of drift', () => {
  it('given one bad window, then nothing is raised', () => {
    expect(after(0.2, 0, 0, 0.2, 0, 0)).toEqual(['-', '-', '-', '-', '-', '-']);
  });

  it('given two bad windows of three, then an alert is raised, once', () => {
    expect(after(0.2, 0, 0.2, 0.2, 0.2)).toEqual(['-', '-', 'RAISE:WARN', '-', '-']);
  });

  it('given two critical windows of three, then it is raised as critical, also when it was a warning', () => {
    expect(after(0.3, 0.3)).toEqual(['-', 'RAISE:CRITICAL']);
    expect(after(0.2, 0.3, 0.3, 0.2, 0.2)).toEqual(['-', 'RAISE:WARN', 'RAISE:CRITICAL', '-', '-']);
  });

  it('given three calm windows in a row, then it is cleared', () => {
    expect(after(0.2, 0.2, 0.05, 0.05, 0.05)).toEqual(['-', 'RAISE:WARN', '-', '-', 'CLEAR']);
  });

  it('given windows between the two thresholds, then it is neither raised nor cleared', () => {
    expect(after(0.09, 0.09, 0.09)).toEqual(['-', '-', '-']);
    expect(after(0.2, 0.2, 0.05, 0.05, 0.09, 0.05, 0.05, 0.05)).toEqual(['-', 'RAISE:WARN', '-', '-', '-', '-', '-', 'CLEAR']);
  });

  it('given an alert that was cleared, then it takes two new bad windows to raise it again', () => {
    expect(after(0.2, 0.2, 0, 0, 0, 0.2, 0.2)).toEqual(['-', 'RAISE:WARN', '-', '-', 'CLEAR', '-', 'RAISE:WARN']);
  });

  it('given a rule that clears at once, then what was fired before the clearing does not count again', () => {
    const rule = { ...DEFAULT_DRIFT_RULE, clear: { after: 1, factor: 0.8 } };
    const verdicts = [0.2, 0.2, 0, 0.2, 0.2].map((value) => windowOf(value));
    expect(transitionsOf(verdicts, rule)).toEqual(['-', 'RAISE:WARN', 'CLEAR', '-', 'RAISE:WARN']);
  });

  it('given effects without evidence, then they do not count: only what fires does', () => {
    const chance = windowOf(0.3);
    const verdict: WindowVerdict = { ...chance, state: 'HEALTHY', findings: chance.findings.map((finding) => ({ ...finding, qValue: 0.2, fires: false })) };
    expect(transitionsOf([verdict, verdict, verdict])).toEqual(['-', '-', '-']);
  });

  it('given windows without a verdict, then the history stays as it is', () => {
    expect(after(0.2, '?', '?', '?', 0.2)).toEqual(['-', '-', '-', '-', 'RAISE:WARN']);
    expect(after(0.2, 0.2, 0, 0, '?', 0)).toEqual(['-', 'RAISE:WARN', '-', '-', '-', 'CLEAR']);
  });

  it.each<WindowState>(['INCOMPLETE', 'INSUFFICIENT_DATA'])('given a window that is %s, then even its findings are not counted', (state) => {
    const history: DriftHistory = { amount: { alert: 'WARN', recent: ['WARN', 'WARN'], calm: 2 } };
    const step = persist(history, { ...windowOf(0), state }, DEFAULT_DRIFT_RULE);
    expect(step).toEqual({ history, transitions: [] });
  });

  it('given several features, then each has its own memory, and one that was not judged keeps it', () => {
    const first = persist({}, windowOf(0.2, 'amount'), DEFAULT_DRIFT_RULE);
    const second = persist(first.history, windowOf(0.3, 'country'), DEFAULT_DRIFT_RULE);
    const third = persist(second.history, windowOf(0.2, 'amount'), DEFAULT_DRIFT_RULE);
    expect(third).toEqual({
      history: {
        amount: { alert: 'WARN', recent: ['WARN', 'WARN'], calm: 0 },
        country: { alert: 'NONE', recent: ['CRITICAL'], calm: 0 },
      },
      transitions: [{ change: 'RAISE', feature: 'amount', severity: 'WARN' }],
    });
  });
});

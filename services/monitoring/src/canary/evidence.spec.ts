import { describe, expect, it } from '@jest/globals';
import { begin, end, enterStep, given, judge, observe, totals, type CanaryEvidence, type LabelledRows, type Rollout } from './evidence.ts';

const rollout: Rollout = {
  rolloutId: 'rollout',
  endpointId: 'endpoint',
  modelId: 'model',
  stableVariantId: 'stable',
  candidateVariantId: 'candidate',
  candidateModelVersionId: 'version',
  alpha: 0.01,
  minimumRows: 60,
};
const minute = (n: number): string => `2026-03-01T10:${String(n).padStart(2, '0')}:00.000Z`;
const started = begin(rollout, 10, minute(0));
const batch = (at: string, candidate: [n: number, errors: number], stable: [n: number, errors: number]): LabelledRows[] => [
  { variantId: 'candidate', at, rows: candidate[0], errors: candidate[1] },
  { variantId: 'stable', at, rows: stable[0], errors: stable[1] },
];

describe('the evidence about a rollout', () => {
  it('passes a step that has its labelled rows and no excess of errors', () => {
    const some = observe(started, batch(minute(1), [59, 12], [500, 100]));
    expect(judge(some)).toBeUndefined();
    const enough = observe(some, batch(minute(2), [1, 0], [9, 2]));
    expect(judge(enough)).toMatchObject({ step: 0, verdict: 'PASS', candidate: { n: 60, errors: 12 }, stable: { n: 509, errors: 102 }, stepCandidateRows: 60 });
    expect(judge(enough)?.reason).toBe(
      'Step 0 has 60 labelled rows of the candidate (60 needed) and no excess of errors: candidate 12 errors in 60 rows (20.0 %), stable 102 errors in 509 rows (20.0 %) over the rollout; E = 0.115 is not over 1.',
    );
  });

  it('does not pass a step while the evidence speaks against the candidate, however many rows there are', () => {
    const doubtful = observe(started, batch(minute(1), [220, 85], [640, 160]));
    const { candidate, stable } = totals(doubtful);
    expect(candidate.errors / candidate.n).toBeGreaterThan(stable.errors / stable.n);
    expect(judge(doubtful)).toBeUndefined();
    expect(judge(observe(doubtful, batch(minute(2), [300, 45], [2700, 675])))).toMatchObject({ verdict: 'PASS' });
  });

  it('does not wait at 100 % for evidence that cannot come any more', () => {
    const doubtful = observe(enterStep(started, 1, 100, minute(2)), batch(minute(1), [220, 85], [640, 160]));
    expect(judge(doubtful)).toBeUndefined();
    const enough = judge(observe(doubtful, [{ variantId: 'candidate', at: minute(3), rows: 60, errors: 15 }]));
    expect(enough).toMatchObject({ step: 1, verdict: 'PASS', stepCandidateRows: 60, reason: expect.stringMatching(/E = \d+\.\d+ is under 1\/alpha = 100\.$/) });
  });

  it('fails the candidate as soon as the evidence is strong enough, before the step has its rows', () => {
    const bad = observe(started, batch(minute(1), [40, 30], [360, 36]));
    expect(judge(bad)).toMatchObject({ step: 0, verdict: 'FAIL', candidate: { n: 40, errors: 30 } });
    expect(judge(bad)?.reason).toMatch(/^The candidate errs more often than the stable variant: candidate 30 errors in 40 rows \(75\.0 %\), stable 36 errors in 360 rows \(10\.0 %\).* reached 1\/alpha = 100\.$/);
  });

  it('gives one verdict for each step, and none after a FAIL', () => {
    const enough = observe(started, batch(minute(1), [60, 6], [500, 50]));
    const passed = given(enough, judge(enough) ?? fail());
    expect(judge(passed)).toBeUndefined();
    const bad = observe(passed, batch(minute(2), [40, 40], [360, 0]));
    expect(judge(bad)).toBeUndefined(); // step 0 has its verdict; the next step brings the evidence to bear
    const next = enterStep(bad, 1, 50, minute(3));
    expect(judge(next)).toMatchObject({ step: 1, verdict: 'FAIL' });
    const failed = given(next, judge(next) ?? fail());
    expect(judge(observe(enterStep(failed, 2, 100, minute(4)), batch(minute(5), [900, 0], [1, 1])))).toBeUndefined();
  });

  it('counts a row in the step in which it was served, whenever its label comes', () => {
    const second = enterStep(observe(started, batch(minute(1), [60, 6], [500, 50])), 1, 50, minute(10));
    const late = observe(second, [...batch(minute(5), [30, 3], [300, 30]), ...batch(minute(11), [20, 2], [20, 2])]);
    expect(late.steps.map(({ candidate, stable }) => [candidate.n, stable.n])).toEqual([[90, 800], [20, 20]]);
    expect(totals(late)).toEqual({ candidate: { n: 110, errors: 11 }, stable: { n: 820, errors: 82 } });
  });

  it('passes over rows from before the rollout, of other variants, and after its end', () => {
    const old: LabelledRows = { variantId: 'stable', at: '2026-03-01T09:59:59.000Z', rows: 9, errors: 9 };
    const other: LabelledRows = { variantId: 'somebody', at: minute(1), rows: 9, errors: 9 };
    expect(observe(started, [old, other])).toEqual(started);
    const over = end(started);
    expect(observe(over, batch(minute(1), [99, 99], [99, 0]))).toEqual(over);
    expect(judge(end(observe(started, batch(minute(1), [60, 60], [500, 0]))))).toBeUndefined();
  });

  it('is as strong when labels come one by one, in blocks of one arm', () => {
    const rows = batch(minute(1), [10, 8], [90, 9]).flatMap(({ rows: n, errors, ...row }) => Array.from({ length: n }, (_, i): LabelledRows => ({ ...row, rows: 1, errors: i < errors ? 1 : 0 })));
    const oneByOne = Array.from({ length: 5 }, () => rows).flat().reduce((evidence, row) => observe(evidence, [row]), started);
    expect(oneByOne.test.candidate.n + (oneByOne.steps[0]?.open.candidate.n ?? 0)).toBe(50);
    expect(judge(oneByOne)?.verdict).toBe('FAIL');
  });

  it('is told when a step really began', () => {
    const corrected = enterStep(observe(started, batch(minute(1), [5, 1], [50, 5])), 0, 10, minute(2));
    expect(corrected.steps).toMatchObject([{ step: 0, since: minute(2), candidate: { n: 5 } }]);
    expect(observe(corrected, batch(minute(1), [5, 1], [50, 5])).steps).toMatchObject([{ candidate: { n: 5 } }]);
  });

  it('survives JSON at every point', () => {
    const whole = [1, 2, 3].reduce((evidence, n) => observe(evidence, batch(minute(n), [7, n], [60, 6])), started);
    const stored = [1, 2, 3].reduce((evidence, n) => observe(JSON.parse(JSON.stringify(evidence)) as CanaryEvidence, batch(minute(n), [7, n], [60, 6])), started);
    expect(stored).toEqual(whole);
  });
});

function fail(): never {
  throw new Error('there is no verdict');
}

import { describe, expect, it } from '@jest/globals';
import { DEFAULT_CANARY_RULE, judgeCanary, zeroEventRequests } from './canary-verdict.ts';
import { addErrorWindow, startErrorRatioTest } from './sequential.ts';

const seen = (n: number, errors: number, controlN: number, controlErrors: number) =>
  addErrorWindow(startErrorRatioTest(), { candidate: { n, errors }, control: { n: controlN, errors: controlErrors } });

describe('canary verdict', () => {
  it('given an excess of errors that cannot be chance, then FAIL, however few requests', () => {
    const verdict = judgeCanary(seen(100, 12, 900, 9));
    expect(verdict).toMatchObject({ verdict: 'FAIL', candidate: { n: 100, errors: 12 }, control: { n: 900, errors: 9 } });
    expect(verdict.reason).toMatch(
      /^The candidate fails more often than tolerated: candidate 12 errors in 100 requests \(12\.00 %\), control 9 errors in 900 requests \(1\.00 %\); E = \S+ reached 1\/alpha = 100\.$/,
    );
  });

  it('given too few candidate requests, then CONTINUE', () => {
    expect(judgeCanary(seen(299, 0, 5000, 50))).toMatchObject({
      verdict: 'CONTINUE',
      reason: expect.stringContaining('Too early to tell: the candidate has 299 of 300 requests;'),
    });
  });

  it('given enough requests and errors without an excess, then PASS', () => {
    expect(judgeCanary(seen(600, 6, 5000, 50))).toMatchObject({ verdict: 'PASS', reason: expect.stringContaining('no excess of errors found') });
  });

  it('given candidate errors but too few control errors to compare with, then CONTINUE', () => {
    expect(judgeCanary(seen(600, 1, 5000, 10))).toMatchObject({ verdict: 'CONTINUE', reason: expect.stringContaining('the control has 10 of 50 errors') });
  });

  it('given no candidate error at all in enough requests, then PASS even if the control has none', () => {
    expect(judgeCanary(seen(300, 0, 2700, 0)).verdict).toBe('PASS');
    expect(judgeCanary(seen(300, 0, 2700, 0), { ...DEFAULT_CANARY_RULE, zeroEventRate: 0.001 })).toMatchObject({
      verdict: 'CONTINUE',
      reason: expect.stringContaining('the candidate has 300 of 2995 requests without error'),
    });
  });

  it('given no data, then CONTINUE', () => {
    expect(judgeCanary(startErrorRatioTest())).toMatchObject({ verdict: 'CONTINUE', eValue: 1, reason: expect.stringContaining('candidate no requests, control no requests') });
  });

  it('given a rate to rule out, then the zero-event rule asks for ln .05 / ln(1 - rate) requests', () => {
    expect([zeroEventRequests(0.01), zeroEventRequests(0.001)]).toEqual([299, 2995]);
  });
});

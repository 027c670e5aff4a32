import { eValue, fails, logEValue, type ErrorCount, type ErrorRatioTest } from './sequential.ts';

/**
 * What the error counts say about a canary, after any window:
 *
 *   E >= 1/alpha ------------------------------------------------> FAIL      holds for good: keep it
 *   enough requests, and enough errors to have seen a difference -> PASS     of this check; the caller adds its own
 *   else --------------------------------------------------------> CONTINUE
 *
 * PASS says "looked long enough and found nothing", not "proved equal". Soak time and deadline are the caller's, who has the
 * clock: at the deadline CONTINUE is inconclusive and pauses for a human, it never promotes.
 */
export type CanaryRule = {
  /** Probability, over all looks together, of failing a candidate that is as good as tolerated. */
  readonly alpha: number;
  /** Candidate requests needed to pass. */
  readonly minCandidateRequests: number;
  /** Control errors needed to pass, so that a difference could have shown. */
  readonly minControlErrors: number;
  /** Or instead: no candidate error in so many requests that its rate is under this with 95 % confidence (299 requests for .01). */
  readonly zeroEventRate: number;
};

export const DEFAULT_CANARY_RULE: CanaryRule = { alpha: 0.01, minCandidateRequests: 300, minControlErrors: 50, zeroEventRate: 0.01 };

export type CanaryVerdict = {
  readonly verdict: 'FAIL' | 'PASS' | 'CONTINUE';
  readonly eValue: number;
  readonly logEValue: number;
  readonly candidate: ErrorCount;
  readonly control: ErrorCount;
  /** One sentence for a person. */
  readonly reason: string;
};

/**
 * Judges the test as it stands. Once a FAIL was given the caller MUST keep it: E may fall again, the guarantee is about ever reaching 1/alpha.
 */
export function judgeCanary(test: ErrorRatioTest, rule: CanaryRule = DEFAULT_CANARY_RULE): CanaryVerdict {
  const { candidate, control } = test;
  const facts = { eValue: eValue(test), logEValue: logEValue(test), candidate, control };
  const seen = `candidate ${describe(candidate)}, control ${describe(control)}`;
  const evidence = `E = ${facts.eValue.toPrecision(3)}`;
  const limit = `1/alpha = ${(1 / rule.alpha).toPrecision(3)}`;

  if (fails(test, rule.alpha)) {
    return { ...facts, verdict: 'FAIL', reason: `The candidate fails more often than tolerated: ${seen}; ${evidence} reached ${limit}.` };
  }
  const lacking = whatIsLacking(test, rule);
  if (lacking === undefined) {
    return { ...facts, verdict: 'PASS', reason: `Enough was seen and no excess of errors found: ${seen}; ${evidence} is under ${limit}.` };
  }
  return { ...facts, verdict: 'CONTINUE', reason: `Too early to tell: ${lacking}; ${seen}; ${evidence} is under ${limit}.` };
}

/** Requests without an error that show, with the confidence, a rate under `rate`: ln(1 - confidence) / ln(1 - rate), rounded up. */
export function zeroEventRequests(rate: number, confidence = 0.95): number {
  return Math.ceil(Math.log(1 - confidence) / Math.log1p(-rate));
}

function whatIsLacking({ candidate, control }: ErrorRatioTest, rule: CanaryRule): string | undefined {
  if (candidate.n < rule.minCandidateRequests) return `the candidate has ${candidate.n} of ${rule.minCandidateRequests} requests`;
  if (control.errors >= rule.minControlErrors) return undefined;
  const clean = zeroEventRequests(rule.zeroEventRate);
  if (candidate.errors > 0) return `the control has ${control.errors} of ${rule.minControlErrors} errors`;
  return candidate.n < clean ? `the candidate has ${candidate.n} of ${clean} requests without error` : undefined;
}

function describe({ n, errors }: ErrorCount): string {
  return n === 0 ? 'no requests' : `${errors} errors in ${n} requests (${((100 * errors) / n).toFixed(2)} %)`;
}

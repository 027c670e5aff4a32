/**
 * Is the candidate's error rate higher than the control's? A test that may be looked at after every window,
 * for as long as one likes, at any split of the traffic, and still is wrong with probability at most alpha.
 *
 * Conditional count e-process (Lindon and Malek, Anytime-valid inference for multinomial count data, NeurIPS 2022).
 * Given that an error occurred in window k, it is the candidate's with probability p_k(theta) = n_c theta / (n_c theta + n_s),
 * where theta is the ratio of the error rates. With x_c and x_s errors in n_c and n_s requests,
 *
 *   ln L(theta) = sum over k of  x_c ln(p_k(theta) / p_k(theta0)) + x_s ln((1 - p_k(theta)) / (1 - p_k(theta0)))
 *   E           = mean of L(theta_j) over 24 log-spaced theta_j in [1.1 theta0, 16 theta0]
 *
 * While the true ratio is at most theta0, E is a non-negative supermartingale that starts at 1, so by Ville's inequality
 * it EVER reaches 1/alpha with probability at most alpha. Exact for Poisson counts, conservative for binomial ones.
 * It needs the two arms served at the same time: requests without errors, and the load common to both, cancel out.
 */
export type ErrorRatioTest = {
  /** theta0: the ratio of error rates still tolerated. 1: the candidate may fail as often as the control. */
  readonly toleratedRatio: number;
  /** ln L(theta_j) of the windows so far. */
  readonly logLikelihoodRatios: readonly number[];
  readonly candidate: ErrorCount;
  readonly control: ErrorCount;
};

/** n requests (or labelled rows), of which `errors` failed: 0 <= errors <= n, integers. */
export type ErrorCount = { readonly n: number; readonly errors: number };

/** Both arms over the same stretch of time. */
export type ErrorWindow = { readonly candidate: ErrorCount; readonly control: ErrorCount };

const RATIOS = 24;
const SMALLEST_RATIO = 1.1;
const LARGEST_RATIO = 16;

/** The test before any window: E = 1. Plain data; survives JSON unchanged. */
export function startErrorRatioTest(toleratedRatio = 1): ErrorRatioTest {
  if (!(toleratedRatio > 0) || !Number.isFinite(toleratedRatio)) throw new RangeError(`The tolerated ratio is ${toleratedRatio}; it must be a positive number.`);
  const none = { n: 0, errors: 0 };
  return { toleratedRatio, logLikelihoodRatios: new Array<number>(RATIOS).fill(0), candidate: none, control: none };
}

/**
 * Folds one window in. Each window MUST be added once. A change of the traffic split MUST start a new window,
 * as the counts of a window are compared at its own split.
 *
 * @throws RangeError when counts are negative, fractional, or there are more errors than requests.
 */
export function addErrorWindow(test: ErrorRatioTest, window: ErrorWindow): ErrorRatioTest {
  const { candidate, control } = window;
  mustBeCounts('candidate', candidate);
  mustBeCounts('control', control);
  const logLikelihoodRatios = test.logLikelihoodRatios.map((sum, j) => {
    if (candidate.n === 0 || control.n === 0) return sum; // one arm alone says nothing about the ratio
    const theta = test.toleratedRatio * factor(j);
    const logShareOfControl = Math.log((candidate.n * test.toleratedRatio + control.n) / (candidate.n * theta + control.n));
    return sum + candidate.errors * Math.log(factor(j)) + (candidate.errors + control.errors) * logShareOfControl;
  });
  return { ...test, logLikelihoodRatios, candidate: plus(test.candidate, candidate), control: plus(test.control, control) };
}

/** ln E, by log-sum-exp: finite however strong the evidence. */
export function logEValue(test: ErrorRatioTest): number {
  const largest = Math.max(...test.logLikelihoodRatios);
  const sum = test.logLikelihoodRatios.reduce((total, logRatio) => total + Math.exp(logRatio - largest), 0);
  return largest + Math.log(sum / test.logLikelihoodRatios.length);
}

/** E: 1 before any data; 100 is evidence at alpha = .01. Capped at the largest finite number, so that it survives JSON. */
export function eValue(test: ErrorRatioTest): number {
  return Math.min(Math.exp(logEValue(test)), Number.MAX_VALUE);
}

/** E >= 1/alpha: the candidate fails more often than tolerated. */
export function fails(test: ErrorRatioTest, alpha: number): boolean {
  if (!(alpha > 0 && alpha < 1)) throw new RangeError(`alpha is ${alpha}; it must lie between 0 and 1.`);
  return logEValue(test) >= -Math.log(alpha);
}

/** theta_j / theta0. */
function factor(j: number): number {
  return SMALLEST_RATIO * (LARGEST_RATIO / SMALLEST_RATIO) ** (j / (RATIOS - 1));
}

function plus(a: ErrorCount, b: ErrorCount): ErrorCount {
  return { n: a.n + b.n, errors: a.errors + b.errors };
}

function mustBeCounts(arm: string, { n, errors }: ErrorCount): void {
  if (!Number.isInteger(n) || !Number.isInteger(errors) || errors < 0 || errors > n) {
    throw new RangeError(`The ${arm} reports ${errors} errors in ${n} requests; both must be integers with 0 <= errors <= requests.`);
  }
}

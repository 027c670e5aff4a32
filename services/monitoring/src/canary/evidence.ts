import { addErrorWindow, fails, logEValue, startErrorRatioTest, type ErrorCount, type ErrorRatioTest } from '@vitae/statistics';

/**
 * What labelled rows have shown about a rollout's candidate, and the verdict on the step it is in.
 *
 *   begin ──► enterStep(0) ──► observe, judge … ──► enterStep(1) ──► … ──► end
 *
 *   FAIL  as soon as E >= 1/alpha, over the whole rollout; it holds for good, as E may fall again
 *   PASS  when the step has `minimumRows` labelled rows of the candidate, and E <= 1: nothing speaks against it
 *         (at 100 % the stable variant has no rows any more, so that E stands still: there no FAIL is enough)
 *   else  go on looking. A worse candidate must not pass because few rows have not convicted it yet; one that is as good
 *         brings E under 1 by itself, as every row that it does not get wrong counts for it
 *
 * A row belongs to the step in which it was served, not to the one in which its label came. Rows of one step are put into
 * error windows of their own, because the share of errors to be expected of the candidate depends on the split of traffic.
 * Plain data, and every decision about windows rests on counts of rows, never on their errors: the test stays valid.
 */
export type CanaryEvidence = {
  readonly rolloutId: string;
  readonly endpointId: string;
  readonly modelId: string;
  readonly stableVariantId: string;
  readonly candidateVariantId: string;
  readonly candidateModelVersionId: string;
  readonly alpha: number;
  readonly minimumRows: number;
  readonly steps: readonly StepEvidence[];
  readonly test: ErrorRatioTest;
  readonly verdicts: readonly { readonly step: number; readonly verdict: 'PASS' | 'FAIL' }[];
  readonly ended: boolean;
};

export type StepEvidence = {
  readonly step: number;
  /** Per cent of traffic to the candidate. */
  readonly weight: number;
  /** RFC 3339. */
  readonly since: string;
  readonly candidate: ErrorCount;
  readonly stable: ErrorCount;
  /** Rows of this step that are not in the test yet: they wait for a window to be full. */
  readonly open: { readonly candidate: ErrorCount; readonly stable: ErrorCount };
};

/** Rows of one request whose predictions met their labels. */
export interface LabelledRows {
  readonly variantId: string;
  /** When they were served, RFC 3339. */
  readonly at: string;
  readonly rows: number;
  readonly errors: number;
}

export interface Judgement {
  readonly step: number;
  readonly verdict: 'PASS' | 'FAIL';
  readonly candidate: ErrorCount;
  readonly stable: ErrorCount;
  readonly stepCandidateRows: number;
  readonly logEValue: number;
  readonly reason: string;
}

export type Rollout = Omit<CanaryEvidence, 'steps' | 'test' | 'verdicts' | 'ended'>;

const NONE: ErrorCount = { n: 0, errors: 0 };

export function begin(rollout: Rollout, weight: number, since: string): CanaryEvidence {
  return enterStep({ ...rollout, steps: [], test: startErrorRatioTest(), verdicts: [], ended: false }, 0, weight, since);
}

/** Told of a step again, it only corrects when that began. */
export function enterStep(evidence: CanaryEvidence, step: number, weight: number, since: string): CanaryEvidence {
  const known = evidence.steps.find((entry) => entry.step === step) ?? { step, weight, since, candidate: NONE, stable: NONE, open: { candidate: NONE, stable: NONE } };
  const others = evidence.steps.filter((entry) => entry.step !== step);
  return { ...evidence, steps: [...others, { ...known, weight, since }].sort((a, b) => a.step - b.step) };
}

export const end = (evidence: CanaryEvidence): CanaryEvidence => ({ ...evidence, ended: true });

/** Counts a batch of labelled rows; each row MUST come once. Rows of other variants, or from before the rollout, are passed over. */
export function observe(evidence: CanaryEvidence, batch: readonly LabelledRows[]): CanaryEvidence {
  if (evidence.ended) return evidence;
  const steps = evidence.steps.map((step) => ({ ...step }));
  for (const labelled of batch) {
    const arm = armOf(evidence, labelled.variantId);
    const step = steps.findLast(({ since }) => Date.parse(since) <= Date.parse(labelled.at));
    if (!arm || !step) continue;
    step[arm] = plus(step[arm], labelled);
    step.open = { ...step.open, [arm]: plus(step.open[arm], labelled) };
  }
  let { test } = evidence;
  for (const step of steps) {
    if (!fillsAWindow(step, evidence.minimumRows)) continue;
    test = addErrorWindow(test, { candidate: step.open.candidate, control: step.open.stable });
    step.open = { candidate: NONE, stable: NONE };
  }
  return { ...evidence, steps, test };
}

/**
 * Small windows blunt the test: of ten rows of the candidate and then ninety of the stable variant, one by one, windows of two rows
 * would see nothing. So rows wait until there are enough of them, or enough of the candidate's for the step to pass; and as one arm
 * alone says nothing, for the other arm.
 */
function fillsAWindow({ open, candidate }: StepEvidence, minimumRows: number): boolean {
  if (open.candidate.n === 0 || open.stable.n === 0) return false;
  return open.candidate.n + open.stable.n >= WINDOW_ROWS || candidate.n >= minimumRows;
}
const WINDOW_ROWS = 50;

/** The verdict on the step at hand, if there is one to give: at most one for each step, and none after a FAIL. */
export function judge(evidence: CanaryEvidence): Judgement | undefined {
  const current = evidence.steps.at(-1);
  if (!current || evidence.ended) return undefined;
  if (evidence.verdicts.some(({ step, verdict }) => step === current.step || verdict === 'FAIL')) return undefined;

  const failed = fails(evidence.test, evidence.alpha);
  const eValue = logEValue(evidence.test);
  if (!failed && (current.candidate.n < evidence.minimumRows || (eValue > 0 && current.weight < 100))) return undefined;
  const { candidate, stable } = totals(evidence);
  const seen = `candidate ${rate(candidate)}, stable ${rate(stable)}`;
  const limit = `1/alpha = ${(1 / evidence.alpha).toPrecision(3)}`;
  const reason = failed
    ? `The candidate errs more often than the stable variant: ${seen} over the rollout; E = ${scientific(eValue)} reached ${limit}.`
    : `Step ${current.step} has ${current.candidate.n} labelled rows of the candidate (${evidence.minimumRows} needed) and no excess of errors: ${seen} over the rollout; E = ${scientific(eValue)} ${eValue > 0 ? `is under ${limit}` : 'is not over 1'}.`;
  return { step: current.step, verdict: failed ? 'FAIL' : 'PASS', candidate, stable, stepCandidateRows: current.candidate.n, logEValue: eValue, reason };
}

export const given = (evidence: CanaryEvidence, { step, verdict }: Judgement): CanaryEvidence => ({ ...evidence, verdicts: [...evidence.verdicts, { step, verdict }] });

/** All labelled rows of the rollout, by arm. */
export function totals({ steps }: CanaryEvidence): { candidate: ErrorCount; stable: ErrorCount } {
  return steps.reduce((sum, { candidate, stable }) => ({ candidate: add(sum.candidate, candidate), stable: add(sum.stable, stable) }), { candidate: NONE, stable: NONE });
}

function armOf(evidence: CanaryEvidence, variantId: string): 'candidate' | 'stable' | undefined {
  if (variantId === evidence.candidateVariantId) return 'candidate';
  return variantId === evidence.stableVariantId ? 'stable' : undefined;
}

const add = (a: ErrorCount, b: ErrorCount): ErrorCount => ({ n: a.n + b.n, errors: a.errors + b.errors });
const plus = (count: ErrorCount, { rows, errors }: LabelledRows): ErrorCount => add(count, { n: rows, errors });

const rate = ({ n, errors }: ErrorCount): string => (n === 0 ? 'no labelled rows' : `${errors} errors in ${n} rows (${((100 * errors) / n).toFixed(1)} %)`);

/** e^x for people, also where it is too large for a number. */
function scientific(logValue: number): string {
  const value = Math.exp(logValue);
  return Number.isFinite(value) ? value.toPrecision(3) : `10^${Math.round(logValue / Math.LN10)}`;
}

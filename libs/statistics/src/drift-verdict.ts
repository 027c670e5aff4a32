import type { FeatureBaseline } from './bins.ts';
import { contingencyChiSquare } from './chi-square.ts';
import { coarsen } from './coarsen.ts';
import { psi } from './divergence.ts';
import { benjaminiHochberg } from './multiple-testing.ts';
import { referenceSummary, rowsIn, type WindowSummary } from './window-summary.ts';

/**
 * When a window of a deployment has drifted: EFFECT and EVIDENCE in one window here, PERSISTENCE over windows
 * in `drift-persistence.ts`. A distance alone lies in small windows (40 % false alarms for PSI > .1 at 100 rows),
 * a p value alone lies in large ones (a million rows make any difference significant).
 *
 *   completeness < minCompleteness ----> INCOMPLETE         distances are computed, nothing fires
 *   no feature with minRows rows ------> INSUFFICIENT_DATA  a state to report, not silence: merge windows, or wait
 *   some feature fires ----------------> DRIFTED
 *   else ------------------------------> HEALTHY
 *
 * Everything in and out is plain data: a verdict can be computed again from stored summaries, also under another rule.
 */
export type DriftRule = {
  /** Rows a feature needs before it is judged. At least max(200, 20 * cells) is advised. */
  readonly minRows: number;
  /** Share of the served rows, 0 to 1, that must have reached the window; under it no verdict is given. */
  readonly minCompleteness: number;
  /** Evidence: q values at or under this count. The family is the judged features of the window. */
  readonly qLevel: number;
  /** Effect: noise-corrected PSI above this is WARN. */
  readonly psiWarn: number;
  /** Effect: noise-corrected PSI above this is CRITICAL. */
  readonly psiCritical: number;
  /** Raise an alert when `fire` of the last `of` judged windows fire. */
  readonly persistence: { readonly fire: number; readonly of: number };
  /** Clear it after `after` judged windows in a row with corrected PSI under factor * psiWarn (hysteresis). */
  readonly clear: { readonly after: number; readonly factor: number };
};

/** Simulated on normal data: no alert in 24,000 healthy feature-windows of 100 to 5,000 rows; a shift of .4 sigma or more found in a median of 2 windows. */
export const DEFAULT_DRIFT_RULE: DriftRule = {
  minRows: 240,
  minCompleteness: 0.95,
  qLevel: 0.01,
  psiWarn: 0.1,
  psiCritical: 0.25,
  persistence: { fire: 2, of: 3 },
  clear: { after: 3, factor: 0.8 },
};

export type Effect = 'NONE' | 'WARN' | 'CRITICAL';

/** What one window says about one feature. */
export type FeatureFinding = {
  readonly feature: string;
  readonly rows: number;
  readonly referenceRows: number;
  /** Population stability index, nats. */
  readonly psi: number;
  /** PSI above the noise of the two samples. The effect goes by this. */
  readonly psiCorrected: number;
  /** Cells the PSI was taken over. */
  readonly cells: number;
  readonly pValue: number;
  /** p value adjusted for all features judged in the window. */
  readonly qValue: number;
  readonly effect: Effect;
  /** Effect and evidence, in a window that may be judged. */
  readonly fires: boolean;
};

export type WindowState = 'HEALTHY' | 'DRIFTED' | 'INSUFFICIENT_DATA' | 'INCOMPLETE';

export type WindowVerdict = {
  readonly state: WindowState;
  readonly completeness: number;
  /** In the order of the baselines. */
  readonly findings: readonly FeatureFinding[];
  /** Features of the baseline with fewer than minRows rows; they are not judged and not in the family. */
  readonly insufficient: readonly string[];
};

/** A closed window: one summary for each feature, and the share (0 to 1) of the served rows they hold. */
export type DriftWindow = {
  readonly summaries: Readonly<Record<string, WindowSummary>>;
  readonly completeness: number;
};

/**
 * Judges one window against the baselines of its deployment. A feature of the baseline that is absent from the window
 * has 0 rows; a feature without a baseline is not looked at.
 *
 * @throws TypeError when a summary was not made for its baseline.
 */
export function judgeWindow(baselines: Readonly<Record<string, FeatureBaseline>>, window: DriftWindow, rule: DriftRule = DEFAULT_DRIFT_RULE): WindowVerdict {
  const { completeness, summaries } = window;
  const compared: Comparison[] = [];
  const insufficient: string[] = [];
  for (const [feature, baseline] of Object.entries(baselines)) {
    const summary = summaries[feature];
    if (summary === undefined || rowsIn(summary) < Math.max(1, rule.minRows)) insufficient.push(feature);
    else compared.push(compare(feature, baseline, summary));
  }

  const complete = completeness >= rule.minCompleteness;
  const qValues = benjaminiHochberg(compared.map(({ pValue }) => pValue));
  const findings = compared.map((comparison, i): FeatureFinding => {
    const qValue = qValues[i] ?? 1;
    const effect = effectOf(comparison.psiCorrected, rule);
    return { ...comparison, qValue, effect, fires: complete && effect !== 'NONE' && qValue <= rule.qLevel };
  });
  return { state: stateOf(complete, findings), completeness, findings, insufficient };
}

type Comparison = Omit<FeatureFinding, 'qValue' | 'effect' | 'fires'>;

function compare(feature: string, baseline: FeatureBaseline, summary: WindowSummary): Comparison {
  const referenceRowsByBin = referenceSummary(baseline);
  const reference = coarsen(baseline, referenceRowsByBin);
  const window = coarsen(baseline, summary);
  const index = psi(reference, window);
  return {
    feature,
    rows: rowsIn(summary),
    referenceRows: rowsIn(referenceRowsByBin),
    psi: index.psi,
    psiCorrected: index.corrected,
    cells: index.cells,
    pValue: contingencyChiSquare(reference, window).pValue,
  };
}

function effectOf(psiCorrected: number, rule: DriftRule): Effect {
  if (psiCorrected > rule.psiCritical) return 'CRITICAL';
  return psiCorrected > rule.psiWarn ? 'WARN' : 'NONE';
}

function stateOf(complete: boolean, findings: readonly FeatureFinding[]): WindowState {
  if (!complete) return 'INCOMPLETE';
  if (findings.length === 0) return 'INSUFFICIENT_DATA';
  return findings.some(({ fires }) => fires) ? 'DRIFTED' : 'HEALTHY';
}

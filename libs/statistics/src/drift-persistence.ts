import type { DriftRule, Effect, FeatureFinding, WindowVerdict } from './drift-verdict.ts';

/**
 * One bad window is not an alert. For each feature, over the windows that could be judged:
 *
 *            `fire` of the last `of` fire                  and `fire` of the last `of` are CRITICAL
 *   quiet ----------------------------------> WARN alert ------------------------------------------> CRITICAL alert
 *     ^                                           |                                                       |
 *     +-------------------------------------------+-------------------------------------------------------+
 *       `after` windows in a row with corrected PSI under factor * psiWarn
 *
 * An alert never steps down from CRITICAL to WARN; it stays until it clears. A window between the two thresholds
 * neither raises nor clears, so a feature at the border does not flap. INCOMPLETE and INSUFFICIENT_DATA windows, and
 * features that were not judged, leave the memory as it is: no data is neither good nor bad news.
 * A minimum hold in hours is a matter of the clock and belongs to the caller.
 */
export type FeatureMemory = {
  /** The alert now raised. */
  readonly alert: Effect;
  /** What the last judged windows fired (NONE: did not fire), oldest first, at most `of`. */
  readonly recent: readonly Effect[];
  /** Judged windows in a row that were clearly under the threshold. */
  readonly calm: number;
};

/** The memory of each feature of one deployment under one baseline. Start from {}; start anew with a new baseline or rule. */
export type DriftHistory = Readonly<Record<string, FeatureMemory>>;

export type AlertTransition =
  | { readonly change: 'RAISE'; readonly feature: string; readonly severity: 'WARN' | 'CRITICAL' }
  | { readonly change: 'CLEAR'; readonly feature: string };

/**
 * Folds one verdict into the history. Windows MUST come in order of time, each once.
 * No transition means that nothing changed. A WARN alert that turns CRITICAL is raised again with that severity.
 */
export function persist(history: DriftHistory, verdict: WindowVerdict, rule: DriftRule): { history: DriftHistory; transitions: AlertTransition[] } {
  if (verdict.state === 'INCOMPLETE' || verdict.state === 'INSUFFICIENT_DATA') return { history, transitions: [] };

  const next: Record<string, FeatureMemory> = { ...history };
  const transitions: AlertTransition[] = [];
  for (const finding of verdict.findings) {
    const { feature } = finding;
    const before = history[feature] ?? { alert: 'NONE', recent: [], calm: 0 };
    const after = remember(before, finding, rule);
    next[feature] = after;
    if (after.alert === before.alert) continue;
    transitions.push(after.alert === 'NONE' ? { change: 'CLEAR', feature } : { change: 'RAISE', feature, severity: after.alert });
  }
  return { history: next, transitions };
}

function remember(before: FeatureMemory, finding: FeatureFinding, rule: DriftRule): FeatureMemory {
  const { persistence, clear } = rule;
  const recent = [...before.recent, finding.fires ? finding.effect : 'NONE'].slice(-persistence.of);
  const calm = finding.psiCorrected < clear.factor * rule.psiWarn ? before.calm + 1 : 0;
  if (before.alert !== 'NONE' && calm >= clear.after) return { alert: 'NONE', recent: [], calm };

  const fired = recent.filter((effect) => effect !== 'NONE').length;
  const critical = recent.filter((effect) => effect === 'CRITICAL').length;
  if (critical >= persistence.fire) return { alert: 'CRITICAL', recent, calm };
  if (fired >= persistence.fire && before.alert === 'NONE') return { alert: 'WARN', recent, calm };
  return { alert: before.alert, recent, calm };
}

import type { FeatureFinding, WindowJudged } from '@vitae/contracts';
import { persist, type DriftHistory, type DriftRule } from '@vitae/statistics';
import { verdictOf } from '../window/window.ts';
import type { AlertCommand } from './alert.ts';

/**
 * What an endpoint's judged windows have led to so far, under one baseline: a fold over its WindowJudged events in
 * order, kept as a row so that it need not be folded again. Plain data.
 */
export type DriftMemory = {
  readonly history: DriftHistory;
  /** The last judged windows, oldest first, as many as an alert looks at. */
  readonly recent: readonly RecentWindow[];
  /** The alert that is open now. */
  readonly alertId?: string;
};

type RecentWindow = {
  readonly windowId: string;
  /** Features that fired. */
  readonly fired: readonly string[];
  readonly versions: readonly (readonly [modelVersionId: string, rows: number])[];
};

export const noMemory: DriftMemory = { history: {}, recent: [] };

/** Folds one judged window in. Windows MUST come in order, each once. `newAlertId` is used only if an alert is raised. */
export function remember(memory: DriftMemory, event: WindowJudged, rule: DriftRule, newAlertId: string): { memory: DriftMemory; command?: AlertCommand } {
  const verdict = verdictOf(event);
  const { history, transitions } = persist(memory.history, verdict, rule);
  if (verdict.state === 'INCOMPLETE' || verdict.state === 'INSUFFICIENT_DATA') return { memory };

  const recent = [...memory.recent, recentOf(event)].slice(-rule.persistence.of);
  const { endpointId, modelId, baselineId, windowId } = event;
  const raised = new Set(transitions.filter(({ change }) => change === 'RAISE').map(({ feature }) => feature));
  const findings = event.findings.filter(({ feature }) => raised.has(feature));
  const alerts = Object.values(history).map((feature) => feature.alert);
  const critical = alerts.includes('CRITICAL');
  const about = { endpointId, modelId };

  if (raised.size > 0 && memory.alertId === undefined) {
    const windows = recent.filter(({ fired }) => fired.some((feature) => raised.has(feature)));
    const windowIds = windows.map((window) => window.windowId);
    const modelVersionId = mostRows(windows) ?? '';
    const command = { type: 'RaiseAlert', alertId: newAlertId, ...about, modelVersionId, baselineId, windowIds, findings, critical } as const;
    return { memory: { history, recent, alertId: newAlertId }, command };
  }
  if (memory.alertId === undefined) return { memory: { history, recent } };
  if (alerts.every((effect) => effect === 'NONE')) {
    return { memory: { history, recent }, command: { type: 'ClearAlert', alertId: memory.alertId, ...about, by: { windowId } } };
  }
  const next = { history, recent, alertId: memory.alertId };
  return raised.size === 0 ? { memory: next } : { memory: next, command: { type: 'WidenAlert', alertId: memory.alertId, ...about, windowId, findings, critical } };
}

/** One line for the event's reason: which features, how much. */
export function describe(findings: readonly FeatureFinding[]): string {
  const largest = [...findings].sort((a, b) => b.psiAboveNoise - a.psiAboveNoise);
  const named = largest.slice(0, 3).map(({ feature, psi, qValue }) => `${feature} (PSI ${psi.toFixed(2)}, q ${qValue.toPrecision(2)})`);
  return `${named.join(', ')}${largest.length > 3 ? ` and ${largest.length - 3} more` : ''}`;
}

function recentOf({ windowId, findings, versions }: WindowJudged): RecentWindow {
  return {
    windowId,
    fired: findings.filter(({ fires }) => fires).map(({ feature }) => feature),
    versions: versions.map(({ modelVersionId, rows }) => [modelVersionId, Number(rows)]),
  };
}

/** The version that answered most rows; of equal ones the newest, as ids grow with time. */
function mostRows(windows: readonly RecentWindow[]): string | undefined {
  const rows = new Map<string, number>();
  for (const [id, count] of windows.flatMap(({ versions }) => versions)) rows.set(id, (rows.get(id) ?? 0) + count);
  return [...rows].sort(([a, m], [b, n]) => n - m || (a > b ? -1 : 1))[0]?.[0];
}

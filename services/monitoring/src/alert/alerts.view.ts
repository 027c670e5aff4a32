import { defineEntity, p, type EntityManager, type InferEntity } from '@mikro-orm/postgresql';
import type { FeatureFinding } from '@vitae/contracts';
import type { RecordedEvent } from '@vitae/event-store';
import { findingRow, type FindingRow } from '../window/finding.ts';
import type { AlertEvent } from './alert.ts';

export const Alert = defineEntity({
  name: 'Alert',
  tableName: 'alert',
  properties: {
    id: p.uuid().primary(),
    projectId: p.text(),
    endpointId: p.uuid(),
    modelId: p.uuid(),
    modelVersionId: p.uuid(),
    baselineId: p.uuid(),
    state: p.text().$type<'open' | 'cleared'>(),
    critical: p.boolean(),
    /** Every feature that took part, in the order of joining. */
    features: p.json<string[]>(),
    windowIds: p.json<string[]>(),
    /** The findings that raised and widened it. */
    findings: p.json<FindingRow[]>(),
    raisedAt: p.datetime(),
    clearedAt: p.datetime().nullable(),
    revision: p.integer(),
  },
});
export type Alert = InferEntity<typeof Alert>;

/** Applies the alert's events; one that was applied before (by its revision) is passed over. */
export async function projectAlert(em: EntityManager, events: readonly RecordedEvent<AlertEvent>[]): Promise<void> {
  for (const { event, projectId, recordedAt, revision } of events) {
    if (event.$typeName === 'vitae.monitoring.v1.DriftAlertRaised') {
      const { alertId, endpointId, modelId, modelVersionId, baselineId, critical } = event;
      await em.upsert(
        Alert,
        {
          id: alertId,
          projectId,
          endpointId,
          modelId,
          modelVersionId,
          baselineId,
          state: 'open',
          critical,
          features: event.findings.map(({ feature }) => feature),
          windowIds: [...event.windowIds],
          findings: event.findings.map(findingRow),
          raisedAt: new Date(recordedAt),
          clearedAt: null,
          revision,
        },
        { onConflictAction: 'ignore' },
      );
      continue;
    }
    const row = await em.findOneOrFail(Alert, event.alertId);
    if (row.revision >= revision) continue;
    if (event.$typeName === 'vitae.monitoring.v1.DriftAlertWidened') widen(row, event);
    else Object.assign(row, { state: 'cleared', clearedAt: new Date(recordedAt) } satisfies Partial<Alert>);
    row.revision = revision;
    await em.flush();
  }
}

function widen(row: Alert, { windowId, findings, critical }: { readonly windowId: string; readonly findings: readonly FeatureFinding[]; readonly critical: boolean }): void {
  row.critical = critical;
  row.features = [...new Set([...row.features, ...findings.map(({ feature }) => feature)])];
  row.windowIds = [...row.windowIds, windowId];
  row.findings = [...row.findings, ...findings.map(findingRow)];
}

/** Alerts of a project in order of raising; `after` is the id of the last one seen. */
export function alerts(em: EntityManager, query: { projectId: string; endpointId?: string; state?: 'open' | 'cleared'; after?: string; limit: number }): Promise<Alert[]> {
  const { projectId, endpointId, state, after, limit } = query;
  return em.find(
    Alert,
    { projectId, ...(endpointId ? { endpointId } : {}), ...(state ? { state } : {}), ...(after ? { id: { $gt: after } } : {}) },
    { orderBy: { id: 'asc' }, limit },
  );
}

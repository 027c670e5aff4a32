import { Severity, type ArtefactArchived, type DriftAlertRaised, type ModelVersionRetired, type RolloutRolledBack } from '@vitae/contracts';
import type { RecordedEvent } from '@vitae/event-store';
import type { IncidentCommand } from '../incident/incident.ts';
import type { RetirementCommand } from '../retirement/retirement.ts';

/** What governance does by itself about an event, and why. */
export type Reaction =
  | { readonly on: 'incident'; readonly id: string; readonly command: Extract<IncidentCommand, { type: 'ReportIncident' }>; readonly subjects: readonly string[]; readonly reason: string }
  | { readonly on: 'retirement'; readonly id: string; readonly command: Extract<RetirementCommand, { type: 'CompleteRetirement' }>; readonly reason: string };

/** What the views know of the version that the event speaks of, with the event itself taken in. */
export interface KnownVersion {
  readonly modelId: string;
  readonly modelName: string;
  readonly version: number;
  readonly archiveLocation?: string | null | undefined;
  readonly retirementId?: string | null | undefined;
}

/** Ids for what a reaction may begin; unused ones are dropped. */
export interface FreshIds {
  readonly incidentId: string;
  readonly retrainingRequestId: string;
}

type Caused = DriftAlertRaised | RolloutRolledBack | ArtefactArchived | ModelVersionRetired;
const CAUSES: readonly string[] = [
  'vitae.monitoring.v1.DriftAlertRaised',
  'vitae.deployment.v1.RolloutRolledBack',
  'vitae.registry.v1.ArtefactArchived',
  'vitae.registry.v1.ModelVersionRetired',
] satisfies readonly Caused['$typeName'][];

/** The version that an event to react to speaks of; undefined for events that call for no reaction. */
export function versionConcerned({ event }: Pick<RecordedEvent, 'event'>): string | undefined {
  return CAUSES.includes(event.$typeName) ? (event as Caused).modelVersionId : undefined;
}

/**
 *   drift alert          → an incident, and a request to train anew
 *   rollout rolled back  → an incident
 *   archived and retired → the retirement is completed (whichever of the two is heard last)
 *
 * Throws when the version is not known: the registry's event about it is always earlier in the ledger, so something is
 * wrong, and the consumer sets the event aside for somebody to look.
 */
export function reactionTo({ event: message }: Pick<RecordedEvent, 'event'>, version: KnownVersion | undefined, fresh: FreshIds): Reaction | undefined {
  const event = message as Caused;
  if (!CAUSES.includes(event.$typeName)) return undefined;
  if (!version) throw new Error(`${event.$typeName} speaks of model version ${event.modelVersionId}, which governance does not know`);
  const named = `${version.modelName} version ${version.version}`;
  switch (event.$typeName) {
    case 'vitae.monitoring.v1.DriftAlertRaised': {
      const drifted = event.findings.filter(({ fires }) => fires);
      const features = (drifted.length > 0 ? drifted : event.findings).map(({ feature }) => feature);
      const measured = (drifted.length > 0 ? drifted : event.findings).map(({ feature, psi, qValue }) => `${feature} (PSI ${psi.toFixed(3)}, q ${qValue.toPrecision(2)})`);
      return incident(event, event.alertId, {
        title: `Drift in the input of ${named}`,
        description: `${event.critical ? 'Critical drift' : 'Drift'} over ${event.windowIds.length} windows in ${measured.join(', ')}.`,
        reason: `drift alert ${event.alertId}: the input no longer looks as it did in training, by ${features.join(', ')}`,
        retraining: features,
      });
    }
    case 'vitae.deployment.v1.RolloutRolledBack':
      return incident(event, event.rolloutId, {
        title: `Rollout of ${named} rolled back`,
        description: event.reason, // cited whole: where a person said it, it is sealed, and must not be cut
        reason: `rollout ${event.rolloutId} was rolled back; the incident says why`,
      });
    case 'vitae.registry.v1.ArtefactArchived':
    case 'vitae.registry.v1.ModelVersionRetired': {
      const { retirementId, archiveLocation } = version;
      if (!retirementId || !archiveLocation) return undefined;
      return {
        on: 'retirement',
        id: retirementId,
        command: { type: 'CompleteRetirement', archiveLocation },
        reason: `${named} has no traffic, its artefact is archived at ${archiveLocation} and its lesson is recorded`,
      };
    }
  }

  function incident(
    { endpointId, modelVersionId }: DriftAlertRaised | RolloutRolledBack,
    causeId: string,
    told: { readonly title: string; readonly description: string; readonly reason: string; readonly retraining?: readonly string[] },
  ): Reaction {
    const { incidentId, retrainingRequestId } = fresh;
    const modelId = version?.modelId ?? '';
    const { title, description, reason, retraining } = told;
    return {
      on: 'incident',
      id: incidentId,
      command: {
        type: 'ReportIncident',
        report: { incidentId, title, severity: Severity.SEV3, modelId, modelVersionId, endpointId, causeId, description },
        ...(retraining ? { retraining: { retrainingRequestId, driftedFeatures: retraining } } : {}),
      },
      subjects: [`model:${modelId}`, `model-version:${modelVersionId}`, `endpoint:${endpointId}`, `incident:${incidentId}`],
      reason: reason.slice(0, 2_000),
    };
  }
}

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  IncidentClosedSchema,
  IncidentReportedSchema,
  RetrainingRequestedSchema,
  type IncidentClosed,
  type IncidentReported,
  type RetrainingRequested,
} from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';

/**
 * Something went wrong with a model in production.
 *
 *   reported (with or without a request to train anew) ──close──► closed, with its root cause and a lesson
 */
export type IncidentEvent = IncidentReported | RetrainingRequested | IncidentClosed;

export type IncidentReport = Omit<MessageInitShape<typeof IncidentReportedSchema>, '$typeName'> & {
  readonly incidentId: string;
  readonly modelId: string;
  readonly modelVersionId: string;
};

export type IncidentCommand =
  | {
      readonly type: 'ReportIncident';
      readonly report: IncidentReport;
      /** Set when the model should be trained anew because of it. */
      readonly retraining?: { readonly retrainingRequestId: string; readonly driftedFeatures: readonly string[] };
    }
  | { readonly type: 'CloseIncident'; readonly rootCause: string; readonly lesson: string };

export type IncidentRefusal = 'INCIDENT_NOT_FOUND' | 'INCIDENT_CLOSED';

export type IncidentState = { readonly state: 'none' } | { readonly state: 'open' | 'closed'; readonly incidentId: string };

export const noSuchIncident = (id: string): Refused =>
  new Refused('INCIDENT_NOT_FOUND' satisfies IncidentRefusal, `There is no incident ${id} in this project. List them at /incidents.`, 404);

export const incident: Decider<IncidentState, IncidentCommand, IncidentEvent> = {
  category: 'governance.Incident',
  initial: { state: 'none' },

  decide(command, current): readonly IncidentEvent[] {
    switch (command.type) {
      case 'ReportIncident': {
        if (current.state !== 'none') return [];
        const { report, retraining } = command;
        const { incidentId, modelId, modelVersionId } = report;
        const reported = create(IncidentReportedSchema, report);
        if (!retraining) return [reported];
        const { retrainingRequestId, driftedFeatures } = retraining;
        return [reported, create(RetrainingRequestedSchema, { retrainingRequestId, incidentId, modelId, modelVersionId, driftedFeatures: [...driftedFeatures] })];
      }
      case 'CloseIncident': {
        if (current.state === 'none') throw new Refused('INCIDENT_NOT_FOUND' satisfies IncidentRefusal, 'There is no such incident. List them at /incidents.', 404);
        const { incidentId } = current;
        if (current.state === 'closed') {
          throw new Refused('INCIDENT_CLOSED' satisfies IncidentRefusal, `Incident ${incidentId} is closed, and its root cause and lesson stand. Report what is new as another incident.`);
        }
        return [create(IncidentClosedSchema, { incidentId, rootCause: command.rootCause, lesson: command.lesson })];
      }
    }
  },

  evolve(current, event): IncidentState {
    switch (event.$typeName) {
      case 'vitae.governance.v1.IncidentReported':
        return { state: 'open', incidentId: event.incidentId };
      case 'vitae.governance.v1.RetrainingRequested':
        return current;
      case 'vitae.governance.v1.IncidentClosed':
        return { state: 'closed', incidentId: event.incidentId };
    }
  },
};

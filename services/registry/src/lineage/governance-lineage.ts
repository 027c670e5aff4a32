import type { Message } from '@bufbuild/protobuf';
import {
  GateOutcome,
  type GateDecided,
  type IncidentClosed,
  type IncidentReported,
  type RetirementApproved,
  type RetirementCompleted,
  type RetirementProposed,
  type RetrainingRequested,
  type UseCaseApproved,
  type UseCaseDrafted,
  type UseCaseRejected,
  type UseCaseSubmitted,
} from '@vitae/contracts';
import { edge, is, node, type LineageFact } from './lineage-fact.ts';

type Told = GateDecided | IncidentClosed | IncidentReported | RetirementApproved | RetirementCompleted | RetirementProposed | RetrainingRequested | UseCaseApproved | UseCaseDrafted | UseCaseRejected | UseCaseSubmitted;

/** What was decided about versions, what went wrong with them, and how they end. */
export function governanceLineage(message: Message): readonly LineageFact[] | undefined {
  const event = message as Told;
  switch (event.$typeName) {
    case 'vitae.governance.v1.UseCaseDrafted':
      return [is(node('use-case', event.useCaseId), 'drafted', event.title)];
    case 'vitae.governance.v1.UseCaseSubmitted':
      return [is(node('use-case', event.useCaseId), 'submitted')];
    case 'vitae.governance.v1.UseCaseApproved':
      return [is(node('use-case', event.useCaseId), 'approved')];
    case 'vitae.governance.v1.UseCaseRejected':
      return [is(node('use-case', event.useCaseId), 'rejected')];
    case 'vitae.governance.v1.GateDecided': {
      if (!event.subject) return [];
      const { gate, environment, version, modelVersionId } = event.subject;
      const allowed = event.outcome === GateOutcome.ALLOW;
      return [
        is(node('decision', event.decisionId), allowed ? 'allowed' : 'denied', `${gate} of version ${version} for ${environment}`),
        edge(node('model-version', modelVersionId), node('decision', event.decisionId), 'decides-on'),
      ];
    }
    case 'vitae.governance.v1.IncidentReported': {
      const incident = node('incident', event.incidentId);
      return [
        is(incident, 'open', event.title),
        edge(node('model-version', event.modelVersionId), incident, 'concerns'),
        edge(node('endpoint', event.endpointId), incident, 'concerns'),
        { fact: 'edge-from-one-of', from: [node('alert', event.causeId), node('rollout', event.causeId)], to: incident, relation: 'caused-by' },
      ];
    }
    case 'vitae.governance.v1.RetrainingRequested':
      return [is(node('retraining', event.retrainingRequestId), 'requested', 'retraining'), edge(node('incident', event.incidentId), node('retraining', event.retrainingRequestId), 'answers')];
    case 'vitae.governance.v1.IncidentClosed':
      return [is(node('incident', event.incidentId), 'closed')];
    case 'vitae.governance.v1.RetirementProposed':
      return [is(node('retirement', event.retirementId), 'proposed', `retirement of version ${event.version}`), edge(node('model-version', event.modelVersionId), node('retirement', event.retirementId), 'ends')];
    case 'vitae.governance.v1.RetirementApproved':
      return [is(node('retirement', event.retirementId), 'approved')];
    case 'vitae.governance.v1.RetirementCompleted':
      return [is(node('retirement', event.retirementId), 'completed')];
    default:
      return undefined;
  }
}

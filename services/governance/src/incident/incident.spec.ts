import { create } from '@bufbuild/protobuf';
import { describe, it } from '@jest/globals';
import { IncidentClosedSchema, IncidentReportedSchema, RetrainingRequestedSchema, Severity } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { incident } from './incident.ts';

const incidentId = '01990000-0000-7000-8000-000000000006';
const report = {
  incidentId,
  title: 'Drift',
  severity: Severity.SEV3,
  modelId: '01990000-0000-7000-8000-000000000001',
  modelVersionId: '01990000-0000-7000-8000-000000000002',
  endpointId: '01990000-0000-7000-8000-000000000007',
  causeId: 'alert-1',
  description: 'amount (PSI 0.4)',
};
const retraining = { retrainingRequestId: '01990000-0000-7000-8000-000000000008', driftedFeatures: ['amount'] };
const reported = create(IncidentReportedSchema, report);
const requested = create(RetrainingRequestedSchema, { ...retraining, incidentId, modelId: report.modelId, modelVersionId: report.modelVersionId });
const close = { type: 'CloseIncident', rootCause: 'loans of a new region', lesson: 'watch regions' } as const;
const closed = create(IncidentClosedSchema, { incidentId, rootCause: close.rootCause, lesson: close.lesson });
const given = specification(incident);

describe('an incident', () => {
  it('is reported', () => given([]).when({ type: 'ReportIncident', report }).then([reported]));
  it('asks for retraining where that helps', () => given([]).when({ type: 'ReportIncident', report, retraining }).then([reported, requested]));
  it('is reported once', () => given([reported]).when({ type: 'ReportIncident', report, retraining }).then([]));
  it('is closed with its root cause and a lesson', () => given([reported, requested]).when(close).then([closed]));
  it('is closed once', () => given([reported, closed]).when(close).thenRefused('INCIDENT_CLOSED'));
  it('has to exist', () => given([]).when(close).thenRefused('INCIDENT_NOT_FOUND'));
});

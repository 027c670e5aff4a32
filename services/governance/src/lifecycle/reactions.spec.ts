import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { ArtefactArchivedSchema, DriftAlertRaisedSchema, ModelVersionRetiredSchema, RolloutRolledBackSchema, Severity, UseCaseSubmittedSchema } from '@vitae/contracts';
import { reactionTo, versionConcerned, type KnownVersion } from './reactions.ts';

const modelVersionId = '01990000-0000-7000-8000-000000000002';
const modelId = '01990000-0000-7000-8000-000000000001';
const endpointId = '01990000-0000-7000-8000-000000000007';
const retirementId = '01990000-0000-7000-8000-000000000009';
const version: KnownVersion = { modelId, modelName: 'credit-risk', version: 2 };
const fresh = { incidentId: 'incident-id', retrainingRequestId: 'request-id' };
const finding = (feature: string, psi: number, fires: boolean) => ({ feature, psi, psiAboveNoise: psi, pValue: 0.001, qValue: 0.004, fires });

const drift = create(DriftAlertRaisedSchema, {
  ...{ alertId: 'alert-1', endpointId, modelId, modelVersionId, critical: true, baselineId: endpointId },
  windowIds: ['w1', 'w2'],
  findings: [finding('amount', 0.412, true), finding('age', 0.01, false)],
});
const subjects = [`model:${modelId}`, `model-version:${modelVersionId}`, `endpoint:${endpointId}`, 'incident:incident-id'];

describe('governance reacts', () => {
  it('to a drift alert with an incident and a request to train anew', () => {
    expect(reactionTo({ event: drift }, version, fresh)).toEqual({
      on: 'incident',
      id: 'incident-id',
      command: {
        type: 'ReportIncident',
        report: {
          ...{ incidentId: 'incident-id', modelId, modelVersionId, endpointId, causeId: 'alert-1', severity: Severity.SEV3 },
          title: 'Drift in the input of credit-risk version 2',
          description: 'Critical drift over 2 windows in amount (PSI 0.412, q 0.0040).',
        },
        retraining: { retrainingRequestId: 'request-id', driftedFeatures: ['amount'] },
      },
      subjects,
      reason: 'drift alert alert-1: the input no longer looks as it did in training, by amount',
    });
  });

  it('to a rollout that was rolled back with an incident', () => {
    const event = create(RolloutRolledBackSchema, { rolloutId: 'rollout-1', endpointId, modelVersionId, reason: 'the candidate errs more' });
    expect(reactionTo({ event }, version, fresh)).toEqual({
      on: 'incident',
      id: 'incident-id',
      command: {
        type: 'ReportIncident',
        report: {
          ...{ incidentId: 'incident-id', modelId, modelVersionId, endpointId, causeId: 'rollout-1', severity: Severity.SEV3 },
          title: 'Rollout of credit-risk version 2 rolled back',
          description: 'the candidate errs more',
        },
      },
      subjects,
      reason: 'rollout rollout-1 was rolled back; the incident says why',
    });
  });

  it.each([
    ['archived last', create(ArtefactArchivedSchema, { modelVersionId, location: 'archive/aa' })],
    ['retired last', create(ModelVersionRetiredSchema, { modelVersionId, modelId, version: 2, retirementId })],
  ])('to a version that is archived and retired with the completion of its retirement (%s)', (_name, event) => {
    expect(reactionTo({ event }, { ...version, retirementId, archiveLocation: 'archive/aa' }, fresh)).toEqual({
      on: 'retirement',
      id: retirementId,
      command: { type: 'CompleteRetirement', archiveLocation: 'archive/aa' },
      reason: 'credit-risk version 2 has no traffic, its artefact is archived at archive/aa and its lesson is recorded',
    });
    expect(reactionTo({ event }, { ...version, archiveLocation: 'archive/aa' }, fresh)).toBeUndefined();
    expect(reactionTo({ event }, { ...version, retirementId }, fresh)).toBeUndefined();
  });

  it('to nothing else', () => {
    const event = create(UseCaseSubmittedSchema, { useCaseId: modelId });
    expect(versionConcerned({ event })).toBeUndefined();
    expect(reactionTo({ event }, undefined, fresh)).toBeUndefined();
  });

  it('never to a version that it does not know', () => {
    expect(versionConcerned({ event: drift })).toBe(modelVersionId);
    expect(() => reactionTo({ event: drift }, undefined, fresh)).toThrow('which governance does not know');
  });
});

import { describe, expect, it } from '@jest/globals';
import { eventRegistry } from '@vitae/contracts';
import type { HistoryItem } from './history-item.ts';
import { hasStage, stageOf } from './life-stage.ts';
import { UNBORN, withModelEvent } from './model-state.ts';

let index = 0;
const event = (type: string, payload: Readonly<Record<string, unknown>>): HistoryItem => ({
  envelope: {
    id: 'e', stream: 'x.Y-1', revision: '1', index: String(index++), type: `vitae.${type}`, projectId: 'credit', subjects: [],
    actor: { id: 'dana', kind: 'ACTOR_KIND_HUMAN' }, occurredAt: '2026-01-01T00:00:00Z', recordedAt: '2026-01-01T00:00:00.000000Z',
  },
  payload,
});
const after = (...events: readonly HistoryItem[]) => events.reduce(withModelEvent, UNBORN);
const registered = () => event('registry.v1.ModelVersionRegistered', { modelVersionId: 'v1', version: 1 });
const shifted = (...weights: readonly object[]) => event('deployment.v1.TrafficShifted', { endpointId: 'e1', endpointName: 'credit', environment: 'production', weights });

describe('the state of a model', () => {
  it('has the last decision at each gate', () => {
    const decided = (outcome: string) => event('governance.v1.GateDecided', { decisionId: outcome, outcome: `GATE_OUTCOME_${outcome}`, subject: { gate: 'production', environment: 'prod', modelVersionId: 'v1' } });
    expect(after(registered(), decided('DENY'), decided('ALLOW')).versions['v1']?.decisions).toMatchObject({ 'production/prod': { outcome: 'allow', decisionId: 'ALLOW' } });
  });

  it('serves what the last shift says, and not what was removed since', () => {
    const [first, second] = [{ variantId: 'a', modelVersionId: 'v1', version: 1, weight: 90 }, { variantId: 'b', modelVersionId: 'v2', version: 2, weight: 10 }];
    expect(after(shifted(first, second, { variantId: 'c' })).serving['e1']?.weights).toEqual([first, second]);
    expect(after(shifted(first, second), event('deployment.v1.VariantRemoved', { endpointId: 'e1', variantId: 'b' })).serving['e1']?.weights).toEqual([first]);
  });

  it('shows what was begun until it ended', () => {
    const raised = event('monitoring.v1.DriftAlertRaised', { alertId: 'a1' });
    expect(after(raised).open.alerts).toMatchObject({ a1: { event: 'DriftAlertRaised' } });
    expect(after(raised, event('monitoring.v1.DriftAlertCleared', { alertId: 'a1' })).open.alerts).toEqual({});
  });

  it('says what a model is called, and what was deprecated, deleted, restored and purged', () => {
    const named = (...more: readonly HistoryItem[]) => after(event('registry.v1.ModelRegistered', { name: 'credit' }), registered(), ...more);
    expect(named(event('registry.v1.ModelRenamed', { name: 'loans' }), event('registry.v1.ModelDeprecated', {}), event('registry.v1.ModelDeleted', {}))).toMatchObject({ name: 'loans', state: 'deprecated', deleted: true });
    expect(named(event('registry.v1.ModelDeprecated', {}), event('registry.v1.ModelDeprecationLifted', {}), event('registry.v1.ModelDeleted', {}), event('registry.v1.ModelRestored', {}))).toMatchObject({ state: 'active', deleted: false });
    const version = (name: string) => event(`registry.v1.ModelVersion${name}`, { modelVersionId: 'v1' });
    expect(named(version('Deprecated'), version('Deleted')).versions['v1']).toMatchObject({ state: 'deprecated', deleted: true });
    expect(named(version('Deprecated'), version('DeprecationLifted'), version('Deleted'), version('Restored')).versions['v1']).toMatchObject({ state: 'registered', deleted: false });
    expect(named(version('Deleted'), version('Purged')).versions['v1']).toMatchObject({ state: 'purged', deleted: true });
  });

  it('says which version an alias named', () => {
    const assigned = (version: number) => event('registry.v1.ModelAliasAssigned', { alias: 'champion', version });
    expect(after(assigned(1), assigned(2)).aliases).toEqual({ champion: 2 });
    expect(after(assigned(1), event('registry.v1.ModelAliasRemoved', { alias: 'champion', version: 1 })).aliases).toEqual({});
  });

  it('counts the evaluations that were measured and still count', () => {
    const one = (name: string, more: object = {}) => event(`registry.v1.Evaluation${name}`, { modelVersionId: 'v1', ...more });
    expect(after(registered(), one('Recorded'), one('Recorded'), one('Reported')).versions['v1']?.evaluations).toBe(2);
    expect(after(registered(), one('Recorded'), one('Reported'), one('Invalidated'), one('Invalidated', { reported: true })).versions['v1']?.evaluations).toBe(0);
  });

  it('says who is retired', () => {
    expect(after(registered(), event('registry.v1.ModelVersionRetired', { modelVersionId: 'v1' })).versions['v1']?.state).toBe('retired');
  });
});

describe('the stages of a life', () => {
  const types = [...eventRegistry].flatMap((entry) => (entry.kind === 'message' && /^vitae\.[a-z]+\.v\d+\.\w+(ed|Failed|Ready)$/.test(entry.typeName) ? [entry.typeName] : []));
  const OF_PEOPLE = ['DelegationGranted', 'DelegationRevoked', 'PeopleLinked', 'PeopleUnlinkingRequested', 'PeopleUnlinked'].map((name) => `vitae.governance.v1.${name}`);
  const notOfModels = ['vitae.deployment.v1.EnvironmentCreated', 'vitae.governance.v1.PolicySetPublished', ...OF_PEOPLE, 'vitae.governance.v1.ApiTokenIssued', 'vitae.governance.v1.ApiTokenRevoked', 'vitae.registry.v1.SigningKeyTrusted', 'vitae.registry.v1.SigningKeyDistrusted', 'vitae.registry.v1.ModelSignaturesRequired', 'vitae.registry.v1.ModelSignaturesNotRequired'];

  it.each(types.filter((type) => !/^vitae\.(ledger|access)\./.test(type) && !notOfModels.includes(type)))('have a place for %s', (type) => {
    expect(hasStage(type)).toBe(true);
  });

  it('take an event that this build does not know by its service', () => {
    expect(stageOf('vitae.monitoring.v2.LatencyJudged')).toBe('monitor');
    expect(stageOf('vitae.ledger.v1.LogKeyRotated')).toBeUndefined();
  });
});

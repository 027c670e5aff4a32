import { create } from '@bufbuild/protobuf';
import { describe, it } from '@jest/globals';
import { DriftAlertClearedSchema, DriftAlertRaisedSchema, DriftAlertWidenedSchema, DriftEffect, FeatureFindingSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import { alert } from './alert.ts';

const given = specification(alert);
const id = (n: number): string => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const about = { alertId: id(1), endpointId: id(2), modelId: id(3) };
const finding = create(FeatureFindingSchema, { feature: 'amount', psi: 0.3, psiAboveNoise: 0.2, pValue: 0, qValue: 0, fires: true, rows: 300n, effect: DriftEffect.WARNING });

const raise = { type: 'RaiseAlert', ...about, modelVersionId: id(4), baselineId: id(5), windowIds: [id(6), id(7)], findings: [finding], critical: false } as const;
const raised = create(DriftAlertRaisedSchema, { ...about, modelVersionId: id(4), baselineId: id(5), windowIds: [id(6), id(7)], findings: [finding] });
const widen = { type: 'WidenAlert', ...about, windowId: id(8), findings: [finding], critical: true } as const;
const widened = create(DriftAlertWidenedSchema, { ...about, windowId: id(8), findings: [finding], critical: true });
const clear = { type: 'ClearAlert', ...about, by: { windowId: id(9) } } as const;
const cleared = create(DriftAlertClearedSchema, { ...about, windowId: id(9) });

describe('a drift alert', () => {
  it('is raised, once', () => {
    given([]).when(raise).then([raised]);
    given([raised]).when(raise).then([]);
    given([raised, cleared]).when(raise).then([]);
  });
  it('is widened while it is open', () => {
    given([raised]).when(widen).then([widened]);
    given([]).when(widen).then([]);
    given([raised, cleared]).when(widen).then([]);
  });
  it('is cleared by a window, once', () => {
    given([raised, widened]).when(clear).then([cleared]);
    given([raised, cleared]).when(clear).then([]);
  });
  it('is cleared when another baseline takes the place of its own', () => {
    given([raised])
      .when({ type: 'ClearAlert', ...about, by: { replacingBaselineId: id(10) } })
      .then([create(DriftAlertClearedSchema, { ...about, replacingBaselineId: id(10) })]);
  });
});

import { create } from '@bufbuild/protobuf';
import {
  DriftAlertClearedSchema,
  DriftAlertRaisedSchema,
  DriftAlertWidenedSchema,
  type DriftAlertCleared,
  type DriftAlertRaised,
  type DriftAlertWidened,
  type FeatureFinding,
} from '@vitae/contracts';
import type { Decider } from '@vitae/event-store';

/**
 * One spell of drift of an endpoint, however many features take part: one alert, one incident, one thing to look at.
 *
 *   none --RaiseAlert--> open --ClearAlert--> cleared
 *                        |  ^
 *                        `--' WidenAlert: more features, or one turned critical
 */
export type AlertCommand =
  | {
      readonly type: 'RaiseAlert';
      readonly alertId: string;
      readonly endpointId: string;
      readonly modelId: string;
      readonly modelVersionId: string;
      readonly baselineId: string;
      readonly windowIds: readonly string[];
      readonly findings: readonly FeatureFinding[];
      readonly critical: boolean;
    }
  | {
      readonly type: 'WidenAlert';
      readonly alertId: string;
      readonly endpointId: string;
      readonly modelId: string;
      readonly windowId: string;
      readonly findings: readonly FeatureFinding[];
      readonly critical: boolean;
    }
  | {
      readonly type: 'ClearAlert';
      readonly alertId: string;
      readonly endpointId: string;
      readonly modelId: string;
      readonly by: { readonly windowId: string } | { readonly replacingBaselineId: string };
    };

export type AlertEvent = DriftAlertRaised | DriftAlertWidened | DriftAlertCleared;
export type AlertState = 'none' | 'open' | 'cleared';

export const alert: Decider<AlertState, AlertCommand, AlertEvent> = {
  category: 'monitoring.Alert',
  initial: 'none',
  decide(command, state) {
    switch (command.type) {
      case 'RaiseAlert': {
        if (state !== 'none') return [];
        const { type: _, windowIds, findings, ...rest } = command;
        return [create(DriftAlertRaisedSchema, { ...rest, windowIds: [...windowIds], findings: [...findings] })];
      }
      case 'WidenAlert': {
        if (state !== 'open') return [];
        const { type: _, findings, ...rest } = command;
        return [create(DriftAlertWidenedSchema, { ...rest, findings: [...findings] })];
      }
      case 'ClearAlert': {
        if (state !== 'open') return [];
        const { alertId, endpointId, modelId, by } = command;
        return [create(DriftAlertClearedSchema, { alertId, endpointId, modelId, ...by })];
      }
    }
  },
  evolve(_state, event): AlertState {
    switch (event.$typeName) {
      case 'vitae.monitoring.v1.DriftAlertRaised':
      case 'vitae.monitoring.v1.DriftAlertWidened':
        return 'open';
      case 'vitae.monitoring.v1.DriftAlertCleared':
        return 'cleared';
    }
  },
};

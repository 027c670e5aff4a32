import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  DriftEffect,
  FeatureFindingSchema,
  ModelVersionRowsSchema,
  WindowJudgedSchema,
  WindowState as JudgedState,
  type FeatureFinding as FindingMessage,
  type WindowJudged,
} from '@vitae/contracts';
import type { Decider } from '@vitae/event-store';
import { judgeWindow, type Effect, type FeatureFinding, type WindowState, type WindowVerdict } from '@vitae/statistics';
import { RULE_VERSION, type Reference } from '../baseline/reference.ts';
import { completenessOf, type FullWindow } from './filling.ts';

/** A window is judged once, when it is full, and that is its whole life. */
export type WindowCommand = {
  readonly type: 'JudgeWindow';
  readonly windowId: string;
  readonly endpointId: string;
  readonly baselineId: string;
  readonly modelId: string;
  readonly reference: Reference;
  readonly window: FullWindow;
  /** `sha256:<hex>` of `summaryOf`'s canonical JSON. */
  readonly summaryDigest: string;
};

export const window: Decider<'open' | 'judged', WindowCommand, WindowJudged> = {
  category: 'monitoring.Window',
  initial: 'open',
  decide(command, state) {
    if (state === 'judged') return [];
    const { windowId, endpointId, baselineId, modelId, reference, summaryDigest } = command;
    const { number, rows, firstAt, lastAt, versions } = command.window;
    const verdict = verdictOn(reference, command.window);
    return [
      create(WindowJudgedSchema, {
        windowId,
        endpointId,
        baselineId,
        modelId,
        number: BigInt(number),
        firstAt: timestampFromMs(Date.parse(firstAt)),
        lastAt: timestampFromMs(Date.parse(lastAt)),
        rowCount: BigInt(rows),
        completeness: verdict.completeness,
        summaryDigest,
        ruleVersion: RULE_VERSION,
        state: STATES[verdict.state],
        findings: verdict.findings.map(findingMessage),
        versions: [...versions]
          .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
          .map(([modelVersionId, count]) => create(ModelVersionRowsSchema, { modelVersionId, rows: BigInt(count) })),
      }),
    ];
  },
  evolve: () => 'judged',
};

/** What is kept of a window under its digest: with the baseline's event it gives the verdict again, also under another rule. */
export function summaryOf(baselineId: string, { features }: Reference, { number, rows, lost, summaries }: FullWindow): object {
  return { baselineId, number, rows, lost, features: features.map(([name], i) => ({ name, ...summaries[i] })) };
}

/** The verdict that an event tells, in the words of the statistics: what the memory of alerts is folded from. */
export function verdictOf(event: WindowJudged): WindowVerdict {
  return {
    state: STATE_NAMES[event.state] ?? 'INSUFFICIENT_DATA',
    completeness: event.completeness,
    findings: event.findings.map(findingOf),
    insufficient: [],
  };
}

function verdictOn({ features, rule }: Reference, window: FullWindow): WindowVerdict {
  const summaries = Object.fromEntries(features.flatMap(([name], i) => (window.summaries[i] ? [[name, window.summaries[i]] as const] : [])));
  return judgeWindow(Object.fromEntries(features), { summaries, completeness: completenessOf(window) }, rule);
}

const STATES: Readonly<Record<WindowState, JudgedState>> = {
  HEALTHY: JudgedState.HEALTHY,
  DRIFTED: JudgedState.DRIFTED,
  INSUFFICIENT_DATA: JudgedState.INSUFFICIENT_DATA,
  INCOMPLETE: JudgedState.INCOMPLETE,
};
const STATE_NAMES: Partial<Record<JudgedState, WindowState>> = Object.fromEntries(Object.entries(STATES).map(([name, state]) => [state, name]));

const EFFECTS: Readonly<Record<Effect, DriftEffect>> = { NONE: DriftEffect.NONE, WARN: DriftEffect.WARNING, CRITICAL: DriftEffect.CRITICAL };
const EFFECT_NAMES: Partial<Record<DriftEffect, Effect>> = Object.fromEntries(Object.entries(EFFECTS).map(([name, effect]) => [effect, name]));

function findingMessage({ feature, psi, psiCorrected, pValue, qValue, fires, rows, effect }: FeatureFinding): FindingMessage {
  return create(FeatureFindingSchema, { feature, psi, psiAboveNoise: psiCorrected, pValue, qValue, fires, rows: BigInt(rows), effect: EFFECTS[effect] });
}

function findingOf({ feature, psi, psiAboveNoise, pValue, qValue, fires, rows, effect }: FindingMessage): FeatureFinding {
  return { feature, psi, psiCorrected: psiAboveNoise, pValue, qValue, fires, rows: Number(rows), effect: EFFECT_NAMES[effect] ?? 'NONE', referenceRows: 0, cells: 0 };
}

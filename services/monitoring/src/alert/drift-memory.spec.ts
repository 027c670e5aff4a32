import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { DriftEffect, FeatureFindingSchema, ModelVersionRowsSchema, WindowJudgedSchema, WindowState, type WindowJudged } from '@vitae/contracts';
import { DEFAULT_DRIFT_RULE } from '@vitae/statistics';
import type { AlertCommand } from './alert.ts';
import { describe as inWords, noMemory, remember, type DriftMemory } from './drift-memory.ts';

type Size = 'calm' | 'warning' | 'critical';
const EFFECT = { calm: [0, DriftEffect.NONE], warning: [0.15, DriftEffect.WARNING], critical: [0.5, DriftEffect.CRITICAL] } as const;

const judged = (number: number, sizes: Record<string, Size>, more: { state?: WindowState; versions?: [string, number][] } = {}): WindowJudged =>
  create(WindowJudgedSchema, {
    windowId: `w${number}`,
    endpointId: 'endpoint',
    baselineId: 'baseline',
    modelId: 'model',
    state: more.state ?? (Object.values(sizes).every((size) => size === 'calm') ? WindowState.HEALTHY : WindowState.DRIFTED),
    completeness: 1,
    findings: Object.entries(sizes).map(([feature, size]) =>
      create(FeatureFindingSchema, { feature, psi: EFFECT[size][0], psiAboveNoise: EFFECT[size][0], effect: EFFECT[size][1], fires: size !== 'calm', qValue: 0.001 }),
    ),
    versions: (more.versions ?? [['v1', 300]]).map(([modelVersionId, rows]) => create(ModelVersionRowsSchema, { modelVersionId, rows: BigInt(rows) })),
  });

/** Folds windows in order; the commands they led to, in short. Every memory on the way survives JSON. */
function story(...windows: WindowJudged[]): string[] {
  let memory: DriftMemory = noMemory;
  return windows.map((window, i) => {
    const after = remember(memory, window, DEFAULT_DRIFT_RULE, `alert-${i + 1}`);
    memory = JSON.parse(JSON.stringify(after.memory)) as DriftMemory;
    return after.command ? short(after.command) : '-';
  });
}
function short(command: AlertCommand): string {
  const features = 'findings' in command ? ` ${command.findings.map(({ feature }) => feature).join('+')}${command.critical ? '!' : ''}` : '';
  const windows = command.type === 'RaiseAlert' ? ` of ${command.windowIds.join(',')} by ${command.modelVersionId}` : '';
  return `${command.type} ${command.alertId}${features}${windows}`;
}

const calm = { a: 'calm', b: 'calm' } as const;
const aOnly = { a: 'warning', b: 'calm' } as const;
const both = { a: 'warning', b: 'warning' } as const;

describe('the memory of an endpoint’s windows', () => {
  it('raises one alert for all features of a drift, naming the windows that fired', () => {
    expect(story(judged(1, calm), judged(2, both), judged(3, calm), judged(4, both))).toEqual(['-', '-', '-', 'RaiseAlert alert-4 a+b of w2,w4 by v1']);
  });
  it('does not cry wolf over one window', () => expect(story(judged(1, both), judged(2, calm), judged(3, calm), judged(4, both))).toEqual(['-', '-', '-', '-']));
  it('names the version that answered most rows of those windows', () => {
    const windows = [judged(1, aOnly, { versions: [['v1', 300]] }), judged(2, aOnly, { versions: [['v2', 290], ['v1', 10]] })];
    expect(story(...windows)).toEqual(['-', 'RaiseAlert alert-2 a of w1,w2 by v1']);
  });
  it('widens the open alert when a feature joins or turns critical, instead of raising another', () => {
    expect(story(judged(1, aOnly), judged(2, both), judged(3, both), judged(4, { a: 'critical', b: 'calm' }), judged(5, { a: 'critical', b: 'calm' }))).toEqual([
      '-',
      'RaiseAlert alert-2 a of w1,w2 by v1',
      'WidenAlert alert-2 b',
      '-',
      'WidenAlert alert-2 a!',
    ]);
  });
  it('clears the alert when the last of its features has been calm for long enough', () => {
    const drift = [judged(1, both), judged(2, both), judged(3, aOnly)];
    const after = [4, 5, 6, 7].map((number) => judged(number, calm));
    expect(story(...drift, ...after)).toEqual(['-', 'RaiseAlert alert-2 a+b of w1,w2 by v1', '-', '-', '-', 'ClearAlert alert-2', '-']);
  });
  it('takes windows that could not be judged for neither good nor bad news', () => {
    const blind = judged(2, both, { state: WindowState.INCOMPLETE });
    expect(story(judged(1, both), blind, judged(3, both))).toEqual(['-', '-', 'RaiseAlert alert-3 a+b of w1,w3 by v1']);
  });
  it('is put into words with the largest differences first', () => {
    const { findings } = judged(1, { a: 'warning', b: 'critical', c: 'warning', d: 'warning' });
    expect(inWords(findings)).toBe('b (PSI 0.50, q 0.0010), a (PSI 0.15, q 0.0010), c (PSI 0.15, q 0.0010) and 1 more');
  });
});

import { describe, expect, it } from '@jest/globals';
import { GateOutcome } from '@vitae/contracts';
import { outcomeOf } from '../gate/gate-decision.ts';
import example from '../gate/gate-input.example.json' with { type: 'json' };
import type { GateInput } from '../gate/gate-input.ts';
import { lifecycleCore } from './lifecycle-core.ts';

type Json = Record<string, unknown>;
type Path = readonly (string | number)[];

/** The way to every fact: each field of each object, of lists the first item, whose absence would be another fact. */
function paths(value: unknown, at: Path = []): Path[] {
  if (Array.isArray(value)) return value.slice(0, 1).flatMap((item) => paths(item, [...at, 0]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [[...at, name], ...paths(inner, [...at, name])]);
}

/** The input with something else, or nothing, at that place. */
function without(input: object, path: Path, instead?: unknown): GateInput {
  const copy = structuredClone(input) as Json;
  const holder = path.slice(0, -1).reduce<Json>((inner, step) => inner[step] as Json, copy);
  const name = String(path.at(-1));
  if (instead === undefined) delete holder[name];
  else holder[name] = instead;
  return copy as unknown as GateInput;
}

/** A gate that cannot read its input answers nothing, and so allows nothing. */
function allows(input: GateInput): boolean {
  try {
    return outcomeOf(lifecycleCore.judge('promote-production', input)) === GateOutcome.ALLOW;
  } catch {
    return false;
  }
}

/** Each with one thing that speaks against it. */
const denied: readonly (readonly [name: string, input: object])[] = [
  ['the use case is not approved', { ...example, useCase: { ...example.useCase, state: 'submitted' } }],
  ['an incident is open', { ...example, incidents: [{ id: 'i', title: 'Drift', severity: 'sev1', state: 'open' }] }],
  ['a machine asks', { ...example, actor: { ...example.actor, kind: 'machine' } }],
  ['an approval has expired', { ...example, approvals: example.approvals.map((one) => ({ ...one, expiresAt: '2020-01-01T00:00:00Z' })) }],
  ['a metric is too low', { ...example, evaluations: example.evaluations.map((one) => ({ ...one, value: one.metric === 'auc' ? 0 : one.value })) }],
  ['a group is too small', { ...example, groups: example.groups.map((one) => ({ ...one, n: 1 })) }],
  ['the data are for something else', { ...example, data: { ...example.data, purpose: 'marketing' } }],
  ['the data are in quarantine', { ...example, data: { ...example.data, quarantined: [{ id: 'd', name: 'n', version: 1, of: 'd' }] } }],
];

/** Other words in their place are other facts. They come from events whose contract knows these words alone, and from nobody who asks. */
const SAYS_SOMETHING_ELSE: Readonly<Record<string, string>> = {
  'incidents []': 'there is no incident',
  'incidents[].severity "NaN"': 'it is not a severe one',
  'environment.class "NaN"': 'it is not about production',
  'data.quarantined []': 'no data are in quarantine',
};

describe('a fact that is missing, null or forged', () => {
  it('stands in an input that is allowed as it is', () => expect(allows(example as GateInput)).toBe(true));

  it.each(denied)('turns no denial into a permission when %s', (_name, input) => {
    expect(allows(input as GateInput)).toBe(false);
    const turned = paths(input).flatMap((path) => [undefined, null, [], 'NaN'].filter((instead) => allows(without(input, path, instead))).map((instead) => `${path.join('.').replaceAll(/\.\d+/g, '[]')} ${JSON.stringify(instead) ?? 'missing'}`));
    expect([...new Set(turned)].filter((one) => !(one in SAYS_SOMETHING_ELSE))).toEqual([]);
  });

  it('in any number keeps the gate from guessing: what has only an outline is denied', () => {
    expect(allows({} as GateInput)).toBe(false);
    for (const name of Object.keys(example)) expect(allows({ [name]: example[name as keyof typeof example] } as unknown as GateInput)).toBe(false);
    expect(allows(JSON.parse(`{"__proto__": ${JSON.stringify(example)}}`) as GateInput)).toBe(false);
  });
});

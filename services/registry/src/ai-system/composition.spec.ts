import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { AISystemRegisteredSchema, AISystemVersionComposedSchema, AISystemVersionDeprecatedSchema, AISystemVersionRetiredSchema } from '@vitae/contracts';
import { specification } from '@vitae/testing';
import fc from 'fast-check';
import { aiSystem, aiSystemVersion, type ComposeAISystemVersion } from './ai-system.ts';
import { compositionOf, digested, keyOf, MOST_COMPONENTS, warningsOf, type KnownComponent, type SaidComponent } from './composition.ts';
import { compositionDiff } from './composition-diff.ts';
import { pinQuestion } from './new-composition.ts';

const id = (n: number): string => `01890000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const said = (kind: SaidComponent['kind'], n: number, role = '', revision = 0): SaidComponent => ({ kind, role, id: id(n), revision });
const known = (one: SaidComponent, more: Partial<KnownComponent> = {}): KnownComponent => ({ kind: one.kind, id: one.id, revision: one.revision, name: `${one.kind} ${Number(one.id.slice(-12))}`, version: one.revision || 1, digest: digest('a'), standing: 'active', ...more });
const all = (...components: readonly KnownComponent[]) => new Map(components.map((one) => [keyOf(one), one]));

const main = said('model-version', 1, 'main');
const parts = [main, said('model-version', 3, 'fallback'), said('model-version', 2, 'fallback'), said('guardrail', 6, '', 2), said('guardrail', 5, '', 1), said('tool', 8, '', 1), said('tool', 7, '', 4), said('prompt-version', 9, 'system')];
const everything = all(...parts.map((one) => known(one)));
const refusal = (of: readonly SaidComponent[], found = everything): { reason: string; message: string } => {
  try {
    compositionOf(of, {}, found);
  } catch (error) {
    return error as { reason: string; message: string };
  }
  return { reason: '', message: '' };
};

describe('A composition', () => {
  it('keeps the order of what is asked one after the other, and only of that', () => {
    const { components } = compositionOf(parts, {}, everything);
    expect(components.map((one) => [one.kind, one.role, Number(one.id.slice(-12))])).toEqual([
      ['model-version', 'fallback', 3], ['model-version', 'fallback', 2], ['model-version', 'main', 1], ['prompt-version', 'system', 9],
      ['guardrail', '', 6], ['guardrail', '', 5], ['tool', '', 7], ['tool', '', 8],
    ]);
  });
  it('is the same in whatever order its other parts are said', () => {
    const free = parts.filter(({ kind, role }) => kind !== 'guardrail' && role !== 'fallback');
    const expected = digested(compositionOf(free, { a: 1 }, everything));
    fc.assert(fc.property(fc.shuffledSubarray(free, { minLength: free.length }), (shuffled) => expect(digested(compositionOf(shuffled, { a: 1 }, everything))).toEqual(expected)));
    const renamed = all(...parts.map((one) => known(one, { name: 'renamed' })));
    expect(digested(compositionOf(free, { a: 1 }, renamed))).toEqual(expected);
  });
  it('has one main model, no part twice, and no more parts than an event has subjects', () => {
    expect(refusal(parts.slice(1)).reason).toBe('COMPOSITION_UNFIT');
    expect(refusal([main, said('model-version', 2, 'main')]).reason).toBe('COMPOSITION_UNFIT');
    expect(refusal([main, parts[5] ?? main, parts[5] ?? main]).reason).toBe('COMPOSITION_UNFIT');
    expect(refusal([main, ...Array.from({ length: MOST_COMPONENTS }, (_, n) => said('tool', 20 + n, '', 1))]).reason).toBe('COMPOSITION_UNFIT');
    expect(compositionOf([main, said('model-version', 1, 'judge')], {}, everything).components).toHaveLength(2);
  });
  it('names every part that cannot be pinned, and why', () => {
    const standings = (['draft', 'retired', 'deleted', 'purged', 'quarantined', 'erased'] as const).map((standing, n) => ({ one: said('dataset-version', 30 + n), standing }));
    const { reason, message } = refusal([main, ...standings.map(({ one }) => one), said('tool', 99, '', 3)], all(known(main), ...standings.map(({ one, standing }) => known(one, { standing }))));
    expect(reason).toBe('COMPONENT_UNFIT');
    for (const part of ['30 1 is only a draft', '31 1 is retired', '32 1 was deleted', '33 1 was purged', '34 1 is in quarantine', '35 1 was erased', `no tool ${id(99)} in revision 3`]) expect(message).toContain(part);
    expect(refusal([main], all(known(main, { standing: 'quarantined' }))).message).toContain('model version model-version 1 1 was trained on data that is in quarantine');
    expect(compositionOf([main], {}, all(known(main, { standing: 'deprecated' }))).components).toHaveLength(1);
  });
});

describe('What to know of a composition later', () => {
  const tool = said('tool', 8, '', 1);
  const { components } = compositionOf([main, tool], {}, everything);
  const warnings = (...now: readonly KnownComponent[]) => warningsOf(components, all(...now)).map(({ warning }) => warning);
  it('is nothing while all is as it was', () => expect(warnings(known(main), known(tool))).toEqual([]));
  it('is how its parts stand now', () => {
    expect(warnings(known(main, { standing: 'purged' }), known(tool, { standing: 'deprecated', unwatched: true }))).toEqual(['model version model-version 1 1 was purged', 'tool tool 8 1 is deprecated', 'tool tool 8 1 does what nothing takes back, and nobody has to agree to it']);
    expect(warnings(known(main, { digest: digest('b') }))).toEqual(['model version model-version 1 1 is not run as it was when it was pinned: how its model is configured was changed', 'tool tool 8 1 is not there any more']);
  });
});

describe('The difference between two compositions', () => {
  const base = compositionOf(parts, { temperature: 0.2 }, everything);
  it('is none between one and itself', () => expect(compositionDiff(base, base)).toEqual({ same: true, components: [], parameters: [], reordered: false }));
  it('is told part by part, and parameter by parameter', () => {
    const other = said('model-version', 11, 'main');
    const to = compositionOf([other, ...parts.slice(1, -1), said('dataset-version', 12, 'index')], { temperature: 0.5 }, new Map([...everything, ...all(known(other, { name: 'model-version 1', version: 2 }), known(said('dataset-version', 12)))]));
    const diff = compositionDiff(base, to);
    expect(diff.components).toMatchObject([
      { is: 'changed', kind: 'model-version', role: 'main', from: { version: 1 }, to: { version: 2 } },
      { is: 'removed', kind: 'prompt-version', role: 'system' },
      { is: 'added', kind: 'dataset-version', role: 'index' },
    ]);
    expect(diff).toMatchObject({ same: false, reordered: false, parameters: [{ path: '/temperature', from: 0.2, to: 0.5 }] });
  });
  it('is also the order of fallbacks', () => {
    const swapped = compositionOf([main, parts[2] ?? main, parts[1] ?? main, ...parts.slice(3)], { temperature: 0.2 }, everything);
    expect(compositionDiff(base, swapped)).toEqual({ same: false, components: [], parameters: [], reordered: true });
  });
});

describe('A version of an AI system', () => {
  const given = specification(aiSystemVersion);
  const version = { aiSystemVersionId: id(1), aiSystemId: id(2), version: 1 };
  const composition = compositionOf([main], { b: 1, a: [2] }, everything);
  const named = { ...version, aiSystemName: 'assistant', digest: digest('c'), description: '', useCaseId: id(3) };
  const compose: ComposeAISystemVersion = { ...named, ...composition, type: 'ComposeAISystemVersion', contributors: ['ben'], composedBy: 'dana' };
  const composed = create(AISystemVersionComposedSchema, { ...named, components: composition.components.map((each) => ({ ...each })), parameters: '{"a":[2],"b":1}', contributors: ['ben', 'dana'] });
  const deprecated = create(AISystemVersionDeprecatedSchema, { ...version, reason: 'Old.' });
  const retired = create(AISystemVersionRetiredSchema, { ...version, reason: 'Gone.' });

  it('is composed once', () => {
    given([]).when(compose).then([composed]);
    given([composed]).when(compose).then([]);
  });
  it('is deprecated and retired, never back', () => {
    given([composed]).when({ type: 'DeprecateAISystemVersion', reason: 'Old.' }).then([deprecated]);
    given([composed, deprecated]).when({ type: 'DeprecateAISystemVersion', reason: 'Old.' }).then([]);
    given([composed, deprecated]).when({ type: 'RetireAISystemVersion', reason: 'Gone.' }).then([retired]);
    given([composed]).when({ type: 'RetireAISystemVersion', reason: 'Gone.' }).then([retired]);
    given([composed, retired]).when({ type: 'RetireAISystemVersion', reason: 'Gone.' }).then([]);
    given([composed, retired]).when({ type: 'DeprecateAISystemVersion', reason: 'Old.' }).thenRefused('AI_SYSTEM_VERSION_RETIRED');
    given([]).when({ type: 'RetireAISystemVersion', reason: 'Gone.' }).thenRefused('AI_SYSTEM_VERSION_NOT_FOUND');
  });
  it('is one of a system that was registered once', () => {
    const system = { aiSystemId: id(2), name: 'assistant', description: '', useCaseId: id(3) };
    specification(aiSystem)([]).when({ type: 'RegisterAISystem', ...system }).then([create(AISystemRegisteredSchema, system)]);
    specification(aiSystem)([create(AISystemRegisteredSchema, system)]).when({ type: 'RegisterAISystem', ...system }).then([]);
  });
  it('is asked for by what it pins', () => {
    expect(pinQuestion(`tool:${id(1)}@3`)).toEqual({ kind: 'tool', id: id(1), revision: 3 });
    expect(pinQuestion(`model-version:${id(1)}`)).toEqual({ kind: 'model-version', id: id(1) });
    expect(pinQuestion('prompt:a.b-c_d/7')).toEqual({ prompt: 'a.b-c_d', version: 7 });
    for (const wrong of ['', 'tool:', 'tool:x', `tool:${id(1)}@0`, 'prompt:', 'prompt:a/b', `model:${id(1)}`]) expect(() => pinQuestion(wrong)).toThrow('names no component');
  });
});

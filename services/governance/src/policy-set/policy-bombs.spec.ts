import { describe, expect, it } from '@jest/globals';
import { PolicyOutcome } from '@vitae/contracts';
import example from '../gate/gate-input.example.json' with { type: 'json' };
import type { GateInput } from '../gate/gate-input.ts';
import { policyEngine } from './policy-engine.ts';
import { lint } from './policy-linter.ts';

const told = (source: string): string => lint(source, 'bool').join('; ');
const judge = (assert: string, input: object) =>
  policyEngine({ name: 'bombs', version: '1.0.0', policies: [{ id: 'POL-900', title: 'A bomb', gates: ['g'], waivable: false, when: 'true', assert, reason: 'It must hold.' }] }).judge('g', input as GateInput)[0];

describe('a policy that would keep the gate busy', () => {
  it.each<[string, string, string]>([
    ['a regular expression that backtracks', `matches('${'a'.repeat(40)}!', '^(a+)+$')`, 'matches() is not a function that policies may use'],
    ['three loops inside each other', 'approvals.all(a, approvals.all(b, approvals.all(c, a.by == b.by && b.by == c.by)))', 'macros are nested more than 2 deep'],
    ['loops hidden in what a loop runs over', "approvals.map(a, approvals.map(b, approvals.map(c, c.by))).exists(x, true)", 'macros are nested more than 2 deep'],
    ['a megabyte', `useCase.state == '${'x'.repeat(1_000_000)}'`, 'at most 4096 are allowed'],
    ['parentheses without end', `${'('.repeat(2_040)}true${')'.repeat(2_040)}`, ''],
    ['negations without end', `${'!'.repeat(4_090)}true`, ''],
    ['a name that is a chain without end', `useCase${'.a'.repeat(2_000)} == 'x'`, 'a is not in useCase'],
    ['a sum without end', `'' == ${Array(1_000).fill("''").join('+')}`, ''],
    ['a list in a list in a list', `${'['.repeat(2_000)}1${']'.repeat(2_000)} == []`, ''],
    ['a text that is made longer and longer', `'${'x'.repeat(100)}'.replace('x', 'xxxxxxxxxx').replace('x', 'xxxxxxxxxx').replace('x', 'xxxxxxxxxx') == ''`, 'replace() is not a function that policies may use'],
  ])('is refused or comes to an end before it is loaded: %s', (_name, source, problem) => {
    const problems = told(source);
    expect(problems).toContain(problem);
    if (problems === '') expect([PolicyOutcome.PASS, PolicyOutcome.FAIL, PolicyOutcome.ERROR]).toContain(judge(source, example)?.outcome);
  });

  it('has at worst two loops, each over what one version has, and says no in the end', () => {
    const approvals = Array.from({ length: 300 }, (_, index) => ({ ...example.approvals[0], by: `p${index}` }));
    expect(judge('size(approvals) > 0 && approvals.all(a, approvals.exists(b, a.by + b.by == "nobody"))', { ...example, approvals })).toMatchObject({ outcome: PolicyOutcome.FAIL });
  });
});

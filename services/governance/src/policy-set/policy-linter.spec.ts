import { describe, expect, it } from '@jest/globals';
import { lint } from './policy-linter.ts';
import { PolicySetInvalid, policyEngine } from './policy-engine.ts';

const problems = (source: string) => lint(source, 'bool').join('; ');

describe('the linter of policies', () => {
  it.each([
    ["useCase.stat == 'approved'", 'stat is not in useCase'],
    ["usecase.state == 'approved'", 'usecase is not in gate-input/1'],
    ["approvals.exists(a, a.rolle == 'x')", 'rolle is not in a'],
    ["has(useCase.euAiAct.annex)", 'annex is not in useCase.euAiAct'],
    ["approvals.exists(a, b.role == 'x')", 'b is not in gate-input/1'],
    ['version.number == version.digest', 'a int is compared with a string'],
    ['version.number / 2.0 > 1.0', 'a int and a double are combined by /; the engine has no such overload'],
    ["evaluations.exists(e, e.value + e.rows > 1.0)", 'a double and a int are added; the engine has no such overload'],
    ["version.digest in requiredMetrics", 'a string is looked for in a list of object'],
    ["useCase.state in 'approved'", 'in looks into a string, not a list'],
    ['requiredMetrics.all(m, m.threshold > 0.0)', 'requiredMetrics.all() holds when requiredMetrics is empty; ask size(requiredMetrics) > 0 as well'],
    ['version.digest', 'it gives a string, and a bool is wanted'],
    ["useCase.state && true", '&& is applied to a string'],
    ["matches(useCase.state, '^(a+)+$')", 'matches() is not a function that policies may use'],
    ["approvals.exists(a, approvals.exists(b, approvals.exists(c, a.by == c.by)))", 'macros are nested more than 2 deep'],
    ["{'a': 1}.a == 1", 'it uses structExpr, which policies may not use'],
    [`useCase.state == '${'x'.repeat(5_000)}'`, 'it has 5019 characters; at most 4096 are allowed'],
  ])('refuses %s', (source, problem) => {
    expect(problems(source)).toContain(problem);
  });

  it('refuses what does not parse', () => {
    expect(problems('useCase.state ==')).toMatch(/^it is not CEL/);
  });

  it.each([
    'size(requiredMetrics) > 0 && requiredMetrics.all(m, m.threshold > 0.0)',
    "['a', 'b'].all(r, approvals.exists(a, a.role == r))",
    "evaluations.filter(e, e.metric == 'auc').map(e, e.value).exists(v, v > 0.5)",
    'groups.all(g, g.n >= 20) && size(groups) > 0',
    "timestamp(at) - timestamp(useCase.classifiedAt) < duration('24h')",
    "has(useCase.riskTier) && (useCase.riskTier == 'low' ? true : version.number > 1)",
  ])('has nothing against %s', (source) => {
    expect(problems(source)).toBe('');
  });

  it('keeps a policy set with a fault from being loaded, and names all of them', () => {
    const policy = { id: 'POL-900', title: 'Faulty', gates: ['promote-production'], waivable: false, when: 'environment.klass == 1', assert: 'zzz', reason: 'No ${yyy} and ${ open' };
    expect(() => policyEngine({ name: 'faulty', version: '1.0.0', policies: [policy, { ...policy, when: 'true', assert: 'true', reason: 'x' }] })).toThrow(
      new PolicySetInvalid('faulty 1.0.0', [
        'POL-900 stands in it twice',
        'POL-900 when: klass is not in environment',
        'POL-900 assert: zzz is not in gate-input/1',
        'POL-900 reason: yyy is not in gate-input/1',
        'POL-900 reason: a ${ is not closed',
      ]),
    );
  });
});

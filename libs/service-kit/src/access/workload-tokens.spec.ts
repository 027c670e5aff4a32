import { describe, expect, it } from '@jest/globals';
import { tokenReview, workloadOf } from './workload-tokens.ts';

describe('a workload', () => {
  it('is a service account, by the name that Kubernetes gives it', () => {
    expect(workloadOf('system:serviceaccount:vitae:deployment')).toEqual({ subject: 'system:serviceaccount:vitae:deployment', namespace: 'vitae', name: 'deployment' });
    expect(workloadOf('system:serviceaccount:team-a:ci.runner')).toMatchObject({ namespace: 'team-a', name: 'ci.runner' });
  });

  it.each([
    'ben', '', 'system:serviceaccount:vitae', 'system:serviceaccount:vitae:', 'system:serviceaccount:vitae:a:b', 'system:serviceaccount:-vitae:a',
    'system:serviceaccount:Vitae:a', 'system:serviceaccount:vitae:a\n', 'system:serviceaccounts:vitae:a', ' system:serviceaccount:vitae:a', 'system:node:worker-1',
  ])('is not %j', (subject) => expect(workloadOf(subject)).toBeUndefined());

  it('is asked for with our audience, so that the answer has to name it', () => {
    expect(tokenReview('t', 'vitae').spec).toEqual({ token: 't', audiences: ['vitae'] });
  });
});

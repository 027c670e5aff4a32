import { describe, expect, it } from '@jest/globals';
import { problemOf, VitaeProblem, VitaeUnreachable } from './problem.ts';

describe('what Vitae refused', () => {
  it('is an error with everything that was said', () => {
    const problem = problemOf(400, 'Bad Request', 'http://x/y', JSON.stringify({ type: 'https://vitae.dev/problems/invalid-request', title: 'The request is not valid', status: 400, detail: 'See errors.', errors: [{ pointer: '/name', detail: 'Too long.' }] }));
    expect(problem).toBeInstanceOf(VitaeProblem);
    expect(problem).toMatchObject({ reason: 'invalid-request', status: 400, title: 'The request is not valid', detail: 'See errors.', errors: [{ pointer: '/name', detail: 'Too long.' }] });
    expect(problem.message).toBe('The request is not valid: See errors.\n  /name: Too long.');
  });

  it.each(['<html>Bad Gateway</html>', '', '[]', 'null', '{"message":"x"}'])('is told by its status when the body says nothing: %j', (body) => {
    expect(problemOf(502, 'Bad Gateway', 'http://x/y', body).message).toBe('502 Bad Gateway: from http://x/y');
  });
});

describe('who does not answer', () => {
  it('is told with the reason under the reason', () => {
    const error = new VitaeUnreachable('http://x/', { cause: new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } }) });
    expect(error.message).toBe('http://x/ does not answer (ECONNREFUSED)');
  });
});

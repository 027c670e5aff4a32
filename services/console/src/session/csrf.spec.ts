import { describe, expect, it } from '@jest/globals';
import { csrfFault } from './csrf.ts';

const own = 'https://vitae.example';
const good = { method: 'POST', site: 'same-origin', origin: own, hasToken: true };

describe('who sent a request with a session cookie', () => {
  it.each(['GET', 'HEAD', 'OPTIONS'])('does not matter when it reads: %s', (method) =>
    expect(csrfFault({ method, site: 'cross-site', origin: 'https://evil.example', hasToken: false }, own)).toBeUndefined());

  it.each([
    [good],
    [{ ...good, method: 'DELETE' }],
    [{ ...good, site: undefined }],
    [{ ...good, origin: undefined }],
    [{ ...good, site: undefined, origin: undefined }],
  ])('is a page of ours: %j', (sender) => expect(csrfFault(sender, own)).toBeUndefined());

  it.each([
    [{ ...good, hasToken: false }, /X-CSRF-Token/],
    [{ ...good, site: 'cross-site' }, /another site/],
    [{ ...good, site: 'same-site' }, /another site/],
    [{ ...good, site: 'none' }, /another site/],
    [{ ...good, site: '' }, /another site/],
    [{ ...good, origin: 'null' }, /another origin/],
    [{ ...good, origin: 'https://vitae.example.evil.example' }, /another origin/],
    [{ ...good, origin: 'http://vitae.example' }, /another origin/],
    [{ ...good, method: 'post', hasToken: false }, /X-CSRF-Token/],
    [{ ...good, method: 'QUERY', hasToken: false }, /X-CSRF-Token/],
  ])('may be somebody else: %j', (sender, why) => expect(csrfFault(sender, own)).toMatch(why));
});

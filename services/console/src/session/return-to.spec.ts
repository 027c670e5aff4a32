import { describe, expect, it } from '@jest/globals';
import { ownPath } from './return-to.ts';

describe('where a login leads back to', () => {
  it.each([
    [undefined, '/'],
    ['/', '/'],
    ['/models/credit?tab=2#card', '/models/credit?tab=2#card'],
    ['/a%20b/%C3%A9', '/a%20b/%C3%A9'],
    ['/x?next=https://evil.example', '/x?next=https://evil.example'],
    ['/authors', '/authors'],
  ])('takes %j', (wish, place) => expect(ownPath(wish)).toBe(place));

  it.each([
    'https://evil.example', '//evil.example', '///evil.example', '/\\evil.example', '\\/evil.example', '/\t/evil.example', '/\n/evil.example', '/ x', '/x\\y',
    '/..//evil.example', '/.//evil.example', '/%2e%2e//evil.example', 'javascript:alert(1)', 'data:text/html,x', 'evil.example', '?x', '', '/auth', '/auth/logout', '/AUTH/login', '/x/../auth/login',
    '/é', `/${'x'.repeat(2_000)}`, ['/', '//evil.example'], { toString: () => '/' }, null, 1,
  ])('refuses %j', (wish) => expect(ownPath(wish)).toBeUndefined());
});

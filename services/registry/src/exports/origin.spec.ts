import { describe, expect, it } from '@jest/globals';
import { originOf, prefixOf } from './origin.ts';

describe('Where a reader finds the service', () => {
  it('is where the request went', () => expect(originOf({ protocol: 'http', headers: { host: '127.0.0.1:7401' } })).toBe('http://127.0.0.1:7401'));
  it('is what the proxy in front says', () =>
    expect(originOf({ protocol: 'http', headers: { host: 'registry:7401', 'x-forwarded-host': 'vitae.example.org, inner', 'x-forwarded-proto': 'https', 'x-forwarded-prefix': '/api/registry' } })).toBe('https://vitae.example.org/api/registry'));
  it('is a path alone when the header is no host', () => {
    expect(originOf({ protocol: 'http', headers: { host: 'a/b?c' } })).toBe('');
    expect(originOf({ protocol: 'http', headers: { host: 'a.org', 'x-forwarded-proto': 'javascript' } })).toBe('');
  });
  it('has before its own paths what the proxy took away, when that is a path', () => {
    expect(prefixOf({ headers: { 'x-forwarded-prefix': '/api/registry' } })).toBe('/api/registry');
    expect(['//evil.org', '/a b', 'api', ''].map((prefix) => prefixOf({ headers: { 'x-forwarded-prefix': prefix } }))).toEqual(['', '', '', '']);
    expect(prefixOf({ headers: {} })).toBe('');
  });
});

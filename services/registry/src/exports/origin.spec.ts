import { describe, expect, it } from '@jest/globals';
import { originOf } from './origin.ts';

describe('Where a reader finds the service', () => {
  it('is where the request went', () => expect(originOf({ protocol: 'http', headers: { host: '127.0.0.1:7401' } })).toBe('http://127.0.0.1:7401'));
  it('is what the proxy in front says', () =>
    expect(originOf({ protocol: 'http', headers: { host: 'registry:7401', 'x-forwarded-host': 'vitae.example.org, inner', 'x-forwarded-proto': 'https', 'x-forwarded-prefix': '/api/registry' } })).toBe('https://vitae.example.org/api/registry'));
  it('is a path alone when the header is no host', () => {
    expect(originOf({ protocol: 'http', headers: { host: 'a/b?c' } })).toBe('');
    expect(originOf({ protocol: 'http', headers: { host: 'a.org', 'x-forwarded-proto': 'javascript' } })).toBe('');
  });
});

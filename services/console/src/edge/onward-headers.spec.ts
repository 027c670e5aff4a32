import { describe, expect, it } from '@jest/globals';
import { callerOf, onwardHeaders } from './onward-headers.ts';

const reached = { remote: '198.51.100.7', encrypted: false };
const nobody = { proxies: 0, origin: undefined };

describe('the headers that go on to a service', () => {
  it('say how the request reached us, whatever its sender says', () =>
    expect(
      onwardHeaders(
        {
          host: 'vitae.example:7400', accept: '*/*', 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.example', 'x-forwarded-prefix': '/evil', 'x-forwarded-port': '1', 'x-forwarded-user': 'root',
          'x-forwarded': 'x', forwarded: 'for=127.0.0.1', 'x-real-ip': '127.0.0.1', 'x-client-ip': '127.0.0.1', 'true-client-ip': '127.0.0.1', 'cf-connecting-ip': '127.0.0.1', 'x-original-url': '/admin', 'x-rewrite-url': '/admin', 'x-http-method-override': 'DELETE',
        },
        reached,
        nobody,
        '/api/registry',
      ),
    ).toEqual({ host: 'vitae.example:7400', accept: '*/*', 'x-forwarded-for': '198.51.100.7', 'x-forwarded-proto': 'http', 'x-forwarded-host': 'vitae.example:7400', 'x-forwarded-prefix': '/api/registry' }));

  it('call the door as it is called, where that is said', () =>
    expect(onwardHeaders({ host: 'evil.example' }, reached, { proxies: 0, origin: 'https://vitae.example' }, '')).toMatchObject({ 'x-forwarded-host': 'vitae.example', 'x-forwarded-proto': 'https' }));

  it('have no cookie, no CSRF token and nothing that is between two neighbours, also what the sender calls so', () =>
    expect(
      Object.keys(
        onwardHeaders(
          { host: 'h', cookie: 'a=b', 'x-csrf-token': 't', connection: 'keep-alive, X-Own , host, content-length', 'x-own': '1', 'keep-alive': 'timeout=5', 'proxy-authorization': 'Basic x', te: 'trailers', upgrade: 'websocket', 'content-length': '3', authorization: 'Bearer b' },
          reached,
          nobody,
          '',
        ),
      ).sort(),
    ).toEqual(['authorization', 'content-length', 'host', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-prefix', 'x-forwarded-proto']));
});

describe('the caller', () => {
  it('is the same over a socket of IPv6', () => expect(callerOf({}, { remote: '::ffff:198.51.100.7' }, 0)).toBe('198.51.100.7'));

  it.each([
    ['who connects', 0, '203.0.113.1, 203.0.113.2', '198.51.100.7'],
    ['whom the one proxy saw', 1, 'spoofed, 203.0.113.2', '203.0.113.2'],
    ['whom the first of two proxies saw', 2, '127.0.0.1, 203.0.113.1, 203.0.113.2', '203.0.113.1'],
    ['who connects, when the proxy says nothing', 1, undefined, '198.51.100.7'],
    ['who connects, when it says no address', 1, '<script>', '198.51.100.7'],
    ['an IPv6 address', 1, '2001:db8::1', '2001:db8::1'],
  ])('is %s', (_, proxies, told, caller) => expect(callerOf({ 'x-forwarded-for': told }, reached, proxies)).toBe(caller));
});

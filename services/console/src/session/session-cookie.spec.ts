import { describe, expect, it } from '@jest/globals';
import { clearingLines, cookiesOf, line, loginCookie, sealedIn, sessionCookie, sessionLines } from './session-cookie.ts';

const plain = { secure: false };
const https = { secure: true };
/** What a browser sends back after these lines. */
const sentBack = (lines: readonly string[] | undefined): string => (lines ?? []).map((text) => text.split(';', 1)[0]).join('; ');

describe('the session cookie', () => {
  it('is bound to the host over https', () => {
    expect(line(sessionCookie(https), 'x', https)).toBe('__Host-vitae-session=x; Path=/; HttpOnly; SameSite=Lax; Secure');
    expect(line(sessionCookie(plain), 'x', plain)).toBe('vitae-session=x; Path=/; HttpOnly; SameSite=Lax');
    expect(loginCookie(https, 'abcdefghijklmnopqrstuvwxyz')).toBe('__Host-vitae-login-abcdefghijklmnop');
  });

  it.each([1, 3_800, 3_801, 7_600, 11_400])('comes back whole with %d characters, each piece within 4096 bytes', (length) => {
    const sealed = Array.from({ length }, (_, index) => 'abcdefg'[index % 7]).join('');
    const lines = sessionLines('s', sealed, [], https);
    expect(sealedIn(cookiesOf(sentBack(lines)), 's')).toBe(sealed);
    expect(lines?.every((text) => text.length <= 4_096)).toBe(true);
  });

  it('is not made when no request could carry it', () => expect(sessionLines('s', 'x'.repeat(11_401), [], https)).toBeUndefined());

  it('takes away the pieces of a larger one before it', () =>
    expect(sessionLines('s', 'x', ['s', 's.1', 's.2', 'other', 's.x'], plain)).toEqual([line('s', '1~x', plain), line('s.1', '', plain, 0), line('s.2', '', plain, 0)]));

  it('is taken away with all its pieces', () =>
    expect(clearingLines('s', ['a', 's', 's.1', 'ss'], plain)).toEqual([line('s', '', plain, 0), line('s.1', '', plain, 0)]));

  it.each([
    ['2~abc', ''],
    ['2~abc; s.2=d', ''],
    ['abc', ''],
    ['0~abc', ''],
    ['2~abc; s.1=d; s.2=e', 'abcd'],
  ])('reads %j as %j', (value, sealed) => expect(sealedIn(cookiesOf(`s=${value}`), 's')).toBe(sealed));

  it('is not there when only its pieces are, or one of another name', () => expect(sealedIn(cookiesOf('s.1=x; vitae-session=1~y; =z; broken'), 's')).toBeUndefined());

  it('is the first of two', () => expect(sealedIn(cookiesOf('s=1~first; s=1~planted'), 's')).toBe('first'));
});

import { describe, expect, it } from '@jest/globals';
import { cors } from './cors.ts';

const page = 'https://notebooks.example';

describe('a page of another origin', () => {
  it('hears nothing where no origin is named', () => {
    expect(cors({ method: 'GET', origin: page, wishes: undefined }, [])).toEqual({ headers: {} });
    expect(cors({ method: 'OPTIONS', origin: page, wishes: 'POST' }, [])).toEqual({ headers: {}, preflight: 'refused' });
  });

  it.each(['https://notebooks.example.evil.example', 'http://notebooks.example', 'https://notebooks.example:444', 'null', 'HTTPS://NOTEBOOKS.EXAMPLE'])('is another one than the one named: %s', (origin) => {
    expect(cors({ method: 'GET', origin, wishes: undefined }, [page])).toEqual({ headers: { vary: 'Origin' } });
    expect(cors({ method: 'OPTIONS', origin, wishes: 'POST' }, [page])).toEqual({ headers: { vary: 'Origin' }, preflight: 'refused' });
  });

  it('that is named may read, and ask what it may send; never with a cookie', () => {
    const read = cors({ method: 'GET', origin: page, wishes: undefined }, [page]);
    const asked = cors({ method: 'OPTIONS', origin: page, wishes: 'PATCH' }, ['https://other.example', page]);
    expect(read).toMatchObject({ headers: { 'access-control-allow-origin': page, vary: 'Origin' } });
    expect(asked).toMatchObject({ preflight: 'allowed', headers: { 'access-control-allow-origin': page, 'access-control-allow-headers': expect.stringContaining('authorization') } });
    expect([read, asked].some(({ headers }) => 'access-control-allow-credentials' in headers)).toBe(false);
  });

  it('whose OPTIONS is no preflight reaches the service: tus asks so', () => expect(cors({ method: 'OPTIONS', origin: page, wishes: undefined }, [page]).preflight).toBeUndefined());
});

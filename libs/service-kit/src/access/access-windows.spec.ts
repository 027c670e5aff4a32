import { describe, expect, it } from '@jest/globals';
import { AccessWindows, type Happening } from './access-windows.ts';

const thing = (key: string, by = 'ben'): Happening<string> => ({ key, what: key.toUpperCase(), by, otherwise: `others of ${by}` });

describe('what happens at the doors', () => {
  it('is told at once the first time, and summed up while it repeats', () => {
    const windows = new AccessWindows<string>(60);
    expect(windows.happened(thing('a'), 100)).toEqual({ what: 'A', count: 1, since: 100 });
    for (const now of [110, 120, 150]) expect(windows.happened(thing('a'), now)).toBeUndefined();
    expect(windows.closed(159)).toEqual([]);
    expect(windows.closed(160)).toEqual([{ what: 'A', count: 3, since: 110 }]);
    expect(windows.happened(thing('a'), 161)).toEqual({ what: 'A', count: 1, since: 161 }); // a new window
  });

  it('is not summed up when it did not repeat', () => {
    const windows = new AccessWindows<string>(60);
    windows.happened(thing('a'), 0);
    expect(windows.closed(60)).toEqual([]);
  });

  it('is counted by what it is', () => {
    const windows = new AccessWindows<string>(60);
    expect(windows.happened(thing('a'), 0)).toBeDefined();
    expect(windows.happened(thing('b'), 0)).toBeDefined();
  });

  it('cannot be multiplied by thinking of ever new names', () => {
    const windows = new AccessWindows<string>(60);
    const told = Array.from({ length: 5_000 }, (_, index) => windows.happened(thing(`p${index}`), 1)).filter(Boolean);
    expect(told).toHaveLength(21);
    expect(told.at(-1)).toEqual({ what: 'others of ben', count: 1, since: 1 });
    expect(windows.happened(thing('p0', 'eve'), 2)).toBeUndefined(); // the same thing, whoever
    expect(windows.happened(thing('eves', 'eve'), 2)).toEqual({ what: 'EVES', count: 1, since: 2 }); // others are told by themselves
    expect(windows.closed(Infinity)).toEqual([{ what: 'P0', count: 1, since: 2 }, { what: 'others of ben', count: 4_979, since: 1 }]);
    expect(windows.happened(thing('p7'), 3)).toEqual({ what: 'P7', count: 1, since: 3 });
  });

  it('cannot fill the memory with ever new people', () => {
    const windows = new AccessWindows<string>(60);
    const told = Array.from({ length: 3_000 }, (_, index) => windows.happened(thing(`p${index}`, `by${index}`), 1)).filter(Boolean);
    expect(told).toHaveLength(1_001);
  });
});

import { describe, expect, it } from '@jest/globals';
import { AccessWindows } from './access-windows.ts';

describe('what happens at the doors', () => {
  it('is told at once the first time, and summed up while it repeats', () => {
    const windows = new AccessWindows<string>(60);
    expect(windows.happened('a', 'A', 100)).toEqual({ what: 'A', count: 1, since: 100 });
    for (const now of [110, 120, 150]) expect(windows.happened('a', 'A', now)).toBeUndefined();
    expect(windows.closed(159)).toEqual([]);
    expect(windows.closed(160)).toEqual([{ what: 'A', count: 3, since: 110 }]);
    expect(windows.happened('a', 'A', 161)).toEqual({ what: 'A', count: 1, since: 161 }); // a new window
  });

  it('is not summed up when it did not repeat', () => {
    const windows = new AccessWindows<string>(60);
    windows.happened('a', 'A', 0);
    expect(windows.closed(60)).toEqual([]);
  });

  it('is counted by what it is', () => {
    const windows = new AccessWindows<string>(60);
    expect(windows.happened('a', 'A', 0)).toBeDefined();
    expect(windows.happened('b', 'B', 0)).toBeDefined();
  });

  it('cannot fill the memory with ever new things', () => {
    const windows = new AccessWindows<string>(60);
    for (let index = 0; index < 1_000; index += 1) windows.happened(`k${index}`, 'A', 0);
    expect(windows.happened('k1000', 'A', 1, { key: 'rest', what: 'REST' })).toEqual({ what: 'REST', count: 1, since: 1 });
    for (let index = 0; index < 50_000; index += 1) windows.happened(`more${index}`, 'A', 2, { key: 'rest', what: 'REST' });
    expect(windows.closed(Infinity)).toEqual([{ what: 'REST', count: 50_000, since: 2 }]);
  });
});

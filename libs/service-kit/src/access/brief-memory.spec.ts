import { describe, expect, it } from '@jest/globals';
import { BriefMemory } from './brief-memory.ts';

/** A memory of ten seconds and three answers, whose clock the spec turns. */
function memory() {
  let now = 0;
  let asked = 0;
  const brief = new BriefMemory<number>(10_000, 3, () => now);
  return { brief, pass: (ms: number) => (now += ms), ask: (key: string) => brief.ask(key, () => Promise.resolve((asked += 1))) };
}

describe('a brief memory', () => {
  it('asks once within its time, and anew when it is over', async () => {
    const { ask, pass } = memory();
    expect([await ask('a'), await ask('a')]).toEqual([1, 1]);
    pass(9_999);
    expect(await ask('a')).toBe(1);
    pass(1);
    expect(await ask('a')).toBe(2);
  });

  it('asks once for all that ask at the same time', async () => {
    const { ask } = memory();
    expect(await Promise.all([ask('a'), ask('a'), ask('b')])).toEqual([1, 1, 2]);
  });

  it('does not remember failures', async () => {
    const { brief, ask } = memory();
    await expect(brief.ask('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(await ask('a')).toBe(1);
  });

  it('forgets the oldest when it is full', async () => {
    const { brief, ask } = memory();
    for (const key of ['a', 'b', 'c', 'd']) await ask(key);
    expect(brief.size).toBe(3);
    expect([await ask('d'), await ask('b'), await ask('a')]).toEqual([4, 2, 5]);
  });
});

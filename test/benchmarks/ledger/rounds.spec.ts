import { describe, expect, it } from '@jest/globals';
import { quantile } from './quantile.ts';
import { alternate, ratio, type Contender, type Figures } from './rounds.ts';

const OPTIONS = { rounds: 3, seconds: 0.001, serverPid: process.pid };

describe('alternating rounds', () => {
  it('run the contenders forwards, backwards and forwards again, after one run each that does not count', async () => {
    const order: string[] = [];
    const contender = (name: string): Contender => ({ name, run: async () => (order.push(name), { events: 1, latencies: [] }) });

    const figures = await alternate([contender('a'), contender('b'), contender('c')], OPTIONS);

    expect(order.join('')).toBe('abc' + 'abc' + 'cba' + 'abc');
    expect(figures.map(({ name, rates }) => [name, rates.length])).toEqual([['a', 3], ['b', 3], ['c', 3]]);
  });

  it('give the median of the rounds, whichever round was disturbed', async () => {
    const latencies = [[9], [1], [50], [2]]; // of the run that does not count, and of three rounds
    const contender = { name: 'a', run: async () => ({ events: 1, latencies: latencies.shift() ?? [] }) };

    const [figures] = await alternate([contender], OPTIONS);

    expect(figures?.p50).toBe(2);
  });

  it('hand on what a contender threw', async () => {
    const broken = { name: 'a', run: () => Promise.reject(new Error('no such table')) };

    await expect(alternate([broken], OPTIONS)).rejects.toThrow('no such table');
  });
});

describe('a ratio', () => {
  const figures = (rates: number[]): Figures => ({ name: '', eventsPerSecond: 0, rates, p50: 0, p99: 0, serverMicros: 0, clientMicros: 0 });

  it('compares within each round, so that a slow minute that both share does not count', () => {
    expect(ratio(figures([200, 20, 2]), figures([100, 10, 4]))).toBe(2);
  });
});

describe('a quantile', () => {
  it('is a value that there is', () => {
    expect([0, 0.5, 0.99, 1].map((share) => quantile([5, 1, 3, 100], share))).toEqual([1, 5, 100, 100]);
  });

  it('of nothing is not a number', () => {
    expect(quantile([], 0.5)).toBeNaN();
  });
});

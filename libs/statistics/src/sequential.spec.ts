import { describe, expect, it } from '@jest/globals';
import { addErrorWindow, eValue, fails, logEValue, startErrorRatioTest, type ErrorWindow } from './sequential.ts';

const errorWindow = (n: number, errors: number, controlN: number, controlErrors: number): ErrorWindow => ({
  candidate: { n, errors },
  control: { n: controlN, errors: controlErrors },
});
const after = (windows: readonly ErrorWindow[], toleratedRatio?: number) => windows.reduce(addErrorWindow, startErrorRatioTest(toleratedRatio));

describe('sequential test of the ratio of two error rates', () => {
  it('given no window, then E is 1', () => {
    expect(eValue(startErrorRatioTest())).toBe(1);
  });

  it.each([
    // computed with numpy from the formula of the docstring, scipy.special.logsumexp
    [[errorWindow(100, 5, 900, 9)], 1, 2.645112088950493],
    [[errorWindow(100, 5, 900, 9), errorWindow(120, 6, 880, 7)], 1, 6.9012296066970755],
    [[errorWindow(100, 5, 900, 9), errorWindow(120, 6, 880, 7)], 1.5, 3.8825041442269383],
    [new Array<ErrorWindow>(3).fill(errorWindow(100, 0, 900, 40)), 1, -4.156280653535774],
  ])('given windows %j at tolerated ratio %d, then ln E is %d', (windows, toleratedRatio, expected) => {
    expect(logEValue(after(windows, toleratedRatio))).toBeCloseTo(expected, 12);
  });

  it('given windows in any order, then E is the same', () => {
    const windows = [errorWindow(100, 5, 900, 9), errorWindow(120, 6, 880, 7), errorWindow(500, 1, 500, 3)];
    expect(logEValue(after(windows))).toBeCloseTo(logEValue(after(windows.toReversed())), 12);
  });

  it('given a test that went through JSON, when a window is added, then it goes on as before', () => {
    const test = after([errorWindow(100, 5, 900, 9)]);
    const next = errorWindow(120, 6, 880, 7);
    expect(addErrorWindow(JSON.parse(JSON.stringify(test)), next)).toEqual(addErrorWindow(test, next));
  });

  it('given evidence of 1/alpha, then it fails at that alpha and not at a stricter one', () => {
    const test = after([errorWindow(100, 5, 900, 9), errorWindow(120, 6, 880, 7)]); // E = 993
    expect([fails(test, 0.01), fails(test, 0.0011), fails(test, 0.001)]).toEqual([true, true, false]);
  });

  it('given errors common to both arms, then they are no evidence against the candidate', () => {
    const outage = after(new Array<ErrorWindow>(20).fill(errorWindow(100, 60, 900, 540)));
    expect(eValue(outage)).toBeLessThan(1);
  });

  it('given a window with one arm only, then it is counted and says nothing', () => {
    const test = after([errorWindow(50, 50, 0, 0), errorWindow(0, 0, 70, 1), errorWindow(0, 0, 0, 0)]);
    expect(eValue(test)).toBe(1);
    expect([test.candidate, test.control]).toEqual([{ n: 50, errors: 50 }, { n: 70, errors: 1 }]);
  });

  it('given overwhelming evidence, then E stays a finite number', () => {
    const test = after(new Array<ErrorWindow>(10).fill(errorWindow(1000, 900, 1000, 1)));
    expect(logEValue(test)).toBeGreaterThan(2000);
    expect(eValue(test)).toBe(Number.MAX_VALUE);
  });

  it('given impossible counts or settings, then they are refused', () => {
    expect(() => after([errorWindow(10, 11, 10, 0)])).toThrow('The candidate reports 11 errors in 10 requests');
    expect(() => after([errorWindow(10, 0, 10, 0.5)])).toThrow('The control reports 0.5 errors');
    expect(() => startErrorRatioTest(0)).toThrow('The tolerated ratio is 0');
    expect(() => fails(startErrorRatioTest(), 0)).toThrow('alpha is 0');
  });
});

import { describe, expect, it } from '@jest/globals';
import { parseStartOptions } from './start-options.ts';

describe('parseStartOptions', () => {
  it('runs the main job in several processes and stays up unless told otherwise', () => {
    expect(parseStartOptions([])).toEqual({ exit: false, empty: false, single: false, help: false });
  });
  it('knows its options', () => {
    expect(parseStartOptions(['--exit', '--single'])).toEqual({ exit: true, empty: false, single: true, help: false });
  });
  it.each([['--exti'], ['exit'], ['--exit=yes']])('refuses %s and says where to look', (argument) => {
    expect(() => parseStartOptions([argument])).toThrow('`npm start -- --help` lists the options.');
  });
});

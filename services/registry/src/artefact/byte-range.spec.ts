import { describe, expect, it } from '@jest/globals';
import { wantedBytes } from './byte-range.ts';

const tag = '"sha256:ab"';
const of1000 = (range: string | undefined, ifRange?: string) => wantedBytes(range, 1000, { ifRange, tag });

describe('A Range header', () => {
  it.each([
    ['bytes=0-0', 0, 0],
    ['bytes=0-499', 0, 499],
    ['bytes=500-', 500, 999],
    ['bytes=999-', 999, 999],
    ['bytes=10-5000', 10, 999],
    ['bytes=-1', 999, 999],
    ['bytes=-300', 700, 999],
    ['bytes=-5000', 0, 999],
    ['Bytes= 1-2 ', 1, 2],
  ])('asks with %s for bytes %d to %d of 1000', (range, start, end) => {
    expect(of1000(range)).toEqual({ is: 'part', start, end });
  });

  it.each(['bytes=1000-', 'bytes=1000-1001', 'bytes=-0'])('cannot be satisfied with %s', (range) => {
    expect(of1000(range)).toEqual({ is: 'unsatisfiable' });
  });

  it.each([undefined, 'bytes=0-1,5-6', 'bytes=-', 'bytes=2-1', 'lines=1-2', 'bytes=a-b', 'bytes=1--2', 'bytes=99999999999999999999-'])('is passed over with %s', (range) => {
    expect(of1000(range)).toEqual({ is: 'whole' });
  });

  it('counts only if If-Range names these bytes, strongly', () => {
    expect(of1000('bytes=0-1', tag)).toEqual({ is: 'part', start: 0, end: 1 });
    for (const other of ['"sha256:cd"', `W/${tag}`, 'Sat, 29 Oct 1994 19:43:31 GMT']) expect(of1000('bytes=0-1', other)).toEqual({ is: 'whole' });
  });
});

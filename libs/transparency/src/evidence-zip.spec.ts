import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openZip, ZipInvalid, zipOf } from './index.ts';

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/);
const content = fc.uint8Array({ maxLength: 200 });
const some = fc.dictionary(name, content, { minKeys: 1, maxKeys: 6 }).map((files) => new Map(Object.entries(files)));
const plain = (files: ReadonlyMap<string, Uint8Array>): [string, string][] => [...files].map(([path, bytes]) => [path, Buffer.from(bytes).toString('hex')]);

describe('the zip of a pack', () => {
  it('given any files, then it holds just these, in their order', () => {
    fc.assert(fc.property(some, (files) => {
      const { files: found, fault } = openZip(zipOf(files));
      expect([plain(found), fault]).toEqual([plain(files), undefined]);
    }));
  });

  it('given any one bit of any pack changed, then it has a fault or is none', () => {
    fc.assert(fc.property(some, fc.nat(), fc.nat(7), (files, at, bit) => {
      const zip = zipOf(files);
      zip[at % zip.length] = (zip[at % zip.length] ?? 0) ^ (1 << bit);
      expect(faultIn(zip)).toBeDefined();
    }), { numRuns: 1_000 });
  });

  it('given any bytes, then it says what is wrong with them', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => expect(faultIn(Buffer.concat([Buffer.from('PK\u0003\u0004'), bytes]))).toBeDefined()));
  });

  it.each(['../up', '/root', 'a/b', '.hidden', 'a b', '', 'ü', 'x'.repeat(65)])('given a file named %j, then no pack is made', (path) => {
    expect(() => zipOf(new Map([[path, Buffer.alloc(1)]]))).toThrow(ZipInvalid);
  });

  it.each(['../up', '/root', 'a/b', '.hidden', 'a b', 'a\\b'])('given a zip with a file named %j, then it is no pack', (path) => {
    const zip = zipOf(new Map([['x'.repeat(path.length), Buffer.alloc(1)]]));
    expect(() => openZip(Buffer.from(zip.toString('latin1').replaceAll('x'.repeat(path.length), path), 'latin1'))).toThrow('no pack names a file so');
  });

  it('given a name twice, more files than a pack has, or a length beyond the end, then it is refused', () => {
    const [one] = [zipOf(new Map([['a', Buffer.of(1)]]))];
    const local = one.subarray(0, 32);
    expect(() => openZip(Buffer.concat([local, one]))).toThrow('a is in the pack twice');
    expect(() => zipOf(new Map(Array.from({ length: 65 }, (_, i) => [`f${i}`, Buffer.alloc(0)])))).toThrow(ZipInvalid);
    const long = Buffer.from(one);
    long.writeUInt32LE(0xffff_fff0, 22);
    expect(() => openZip(long)).toThrow('goes beyond its end');
  });
});

function faultIn(zip: Buffer): string | undefined {
  try {
    return openZip(zip).fault;
  } catch (error) {
    if (error instanceof ZipInvalid) return error.message;
    throw error;
  }
}

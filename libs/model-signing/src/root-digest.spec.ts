import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { rootDigest } from './root-digest.ts';

const fileDigest = (content: string): string => `sha256:${createHash('sha256').update(content).digest('hex')}`;
const raw = (content: string): Buffer => createHash('sha256').update(content).digest();

describe('The root digest of a model', () => {
  it('is, for one file, the digest of its raw digest', () => {
    // printf '' | sha256sum | xxd -r -p | sha256sum
    expect(rootDigest([{ path: 'model.onnx', digest: fileDigest('') }])).toBe('sha256:5df6e0e2761359d30a8275058e299fcc0381534545f55cf43e41983f5d4c9456');
  });

  it('does not depend on the order in which files are given, but on that of their paths', () => {
    const weights = { path: 'weights.bin', digest: fileDigest('weights') };
    const config = { path: 'config.json', digest: fileDigest('config') };
    const expected = `sha256:${createHash('sha256').update(raw('config')).update(raw('weights')).digest('hex')}`;
    expect(rootDigest([weights, config])).toBe(expected);
    expect(rootDigest([config, weights])).toBe(expected);
  });

  it('orders paths by code point, so that what lies beyond U+FFFF comes last', () => {
    const last = { path: '\u{1f600}', digest: fileDigest('last') };
    const first = { path: '\uffee', digest: fileDigest('first') };
    expect(rootDigest([last, first])).toBe(`sha256:${createHash('sha256').update(raw('first')).update(raw('last')).digest('hex')}`);
  });
});

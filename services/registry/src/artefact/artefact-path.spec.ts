import { describe, expect, it } from '@jest/globals';
import { artefactPath, clashingPaths } from './artefact-path.ts';

describe('The path of a file in an artefact', () => {
  it.each(['model.onnx', 'weights/layer 1.bin', '.hidden', '..a', 'a..b/c.', '模型.onnx', 'a:0:10', '-rf'])('may be %j', (path) => {
    expect(artefactPath.safeParse(path).success).toBe(true);
  });
  it.each(['', '/etc/passwd', '../up', 'a/../../up', 'a/..', '.', './a', 'a//b', 'a/', 'C:\\model', 'a\\..\\b', 'a\0b', 'a\nb', 'a\u0085b', '\ud800', 'x'.repeat(257)])('is refused as %j', (path) => {
    expect(artefactPath.safeParse(path).success).toBe(false);
  });
});

describe('Paths of one artefact', () => {
  const clash = (...paths: string[]): number[] => clashingPaths(paths).map(({ index }) => index);

  it('stand beside each other when they are different everywhere', () => {
    expect(clash('model.onnx', 'weights.bin', 'a/b', 'a/c', 'ab/b', 'b')).toEqual([]);
  });
  it.each([
    ['twice', ['a', 'b', 'a'], [2]],
    ['in another case', ['Weights.bin', 'weights.BIN'], [1]],
    ['in another Unicode form', ['caf\u00e9', 'cafe\u0301'], [1]],
    ['with letters that fold to two', ['stra\u00dfe', 'STRASSE'], [1]],
    ['as a ligature', ['\ufb01le', 'file'], [1]],
    ['as a file and a directory', ['a/b', 'a', 'a/b/c'], [1, 2]],
    ['as a directory in another case', ['A/b', 'a'], [1]],
  ])('clash %s', (_how, paths, clashing) => {
    expect(clash(...paths)).toEqual(clashing);
  });
});

import { describe, expect, it } from '@jest/globals';
import { withinDirectory } from './download-version.ts';
import { parseTags, quotedName } from './models.ts';
import { CannotRun } from './outcome.ts';
import { mainOf, type LocalFile } from './register-version.ts';

const files = (...paths: string[]): LocalFile[] => paths.map((path) => ({ from: `/here/${path}`, path, sizeBytes: 1 }));

describe('the file that is opened as the model', () => {
  it('is the only .onnx file, or the one that is named', () => {
    expect(mainOf(files('README.md', 'a/model.ONNX'), undefined).path).toBe('a/model.ONNX');
    expect(mainOf(files('a.onnx', 'b.onnx'), 'b.onnx').path).toBe('b.onnx');
  });

  it('is asked for when that is not clear', () => {
    expect(() => mainOf(files('a.onnx', 'b.onnx'), undefined)).toThrow('Say --main a.onnx or --main b.onnx.');
    expect(() => mainOf(files('a.bin'), undefined)).toThrow('None of the files ends with .onnx');
    expect(() => mainOf(files('a.bin'), 'c.bin')).toThrow(CannotRun);
  });
});

describe('a file of a version', () => {
  it.each(['../a', '/etc/passwd', 'a/../../b', 'a\\b', 'C:/a', '', './a', 'a//b', 'a\0b', '..'])('does not lead out of the directory: %j', (path) => expect(() => withinDirectory(path)).toThrow(CannotRun));
  it.each(['a', 'a/b.onnx', '.hidden', 'a b/…', '..a'])('lies where it says: %j', (path) => expect(withinDirectory(path)).toBe(path));
});

describe('tags', () => {
  it('are cut at the first equals sign, all or none', () => {
    expect(parseTags(['a=1', 'b=c=d', 'e='])).toEqual([['a', '1'], ['b', 'c=d'], ['e', '']]);
    expect(() => parseTags(['a=1', '=2'])).toThrow(CannotRun);
  });
});

describe('a name for a shell', () => {
  it('is quoted when it has to be', () => expect([quotedName('credit/3'), quotedName(`it's`), quotedName('$HOME x')]).toEqual(['credit/3', `'it'\\''s'`, `'$HOME x'`]));
});

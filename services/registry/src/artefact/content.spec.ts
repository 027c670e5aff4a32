import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { contentOf, LOOKED_AT_BYTES } from './content.ts';

const look = (path: string, bytes: Uint8Array) => contentOf(path, bytes.subarray(0, LOOKED_AT_BYTES), bytes.subarray(-LOOKED_AT_BYTES));
const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const onnx = readFileSync(new URL('../../../../test/fixtures/german-credit/credit-v1.onnx', import.meta.url));
const csv = readFileSync(new URL('../../../../test/fixtures/german-credit/credit.csv', import.meta.url));
/** A zip's local header, then the name: all that is looked at of it. */
const zipOf = (name: string): Buffer => Buffer.concat([hex('504b0304'), Buffer.alloc(22), Buffer.from([name.length, 0, 0, 0]), bytes(name), Buffer.alloc(100)]);

describe('The content of a file', () => {
  it.each([
    ['model.onnx', onnx, 'onnx', []],
    ['rows.csv', csv, 'text', []],
    ['config.json', bytes('{"a":1}'), 'json', []],
    ['model.safetensors', Buffer.concat([hex('1800000000000000'), bytes('{"w":{"dtype":"F32"}}   ')]), 'safetensors', []],
    ['model.gguf', bytes('GGUF\x03\0\0\0'), 'gguf', []],
    ['weights.bin', Buffer.alloc(64, 7), 'unknown', []],
    // python3: pickle.dumps({'a': 1}, protocol)
    ['model.pkl', hex('80049506000000000000007d9443016194732e'), 'pickle', ['runs-code']],
    ['model.pkl', hex('80027d710058010000006171014b01732e'), 'pickle', ['runs-code']],
    ['model.pkl', hex('7d71002858010000006171014b01752e'), 'pickle', ['runs-code']],
    ['model.pkl', bytes("(dp0\nVa\np1\nI1\ns."), 'pickle', ['runs-code']],
    // cos\nsystem\n(S'…'\ntR. : what runs a command when it is loaded
    ['model.pkl', bytes("cos\nsystem\n(S'true'\ntR."), 'pickle', ['runs-code']],
    ['model.pt', zipOf('archive/data.pkl'), 'zip', ['runs-code', 'archive']],
    ['weights.npz', zipOf('w.npy'), 'zip', ['archive']],
    ['rows.npy', bytes("\x93NUMPY\x01\0v\0{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"), 'npy', ['runs-code']],
    ['all.tar', Buffer.concat([Buffer.alloc(257), bytes('ustar\0'), Buffer.alloc(249)]), 'tar', ['archive']],
    ['all.tgz', hex('1f8b0800'), 'gzip', ['archive']],
    ['run.bin', bytes('\x7fELF\x02'), 'program', ['runs-code']],
    ['run.sh', bytes('#!/bin/sh\n'), 'script', ['runs-code']],
  ])('of %s is told by its bytes', (path, given, content, flags) => {
    expect(look(path, given)).toEqual({ content, flags });
  });

  it.each([
    ['model.onnx', hex('80049506000000000000007d9443016194732e'), ['runs-code', 'not-what-it-says']],
    ['model.safetensors', zipOf('archive/data.pkl'), ['runs-code', 'archive', 'not-what-it-says']],
    ['config.json', bytes('#!/bin/sh\n'), ['runs-code', 'not-what-it-says']],
    ['rows.csv', bytes('\x7fELF\x02'), ['runs-code', 'not-what-it-says']],
    ['WEIGHTS.GGUF', onnx, ['not-what-it-says']],
    ['model.pkl', csv, ['not-what-it-says']],
  ])('of %s is flagged where the name lies', (path, given, flags) => {
    expect(look(path, given).flags).toEqual(flags);
  });
});

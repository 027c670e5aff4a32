import { describe, expect, it } from '@jest/globals';
import { credentialOf, LONGEST } from './credential.ts';

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe('a credential', () => {
  it.each([
    [undefined, { type: 'none' }],
    ['', { type: 'none' }],
    ['Bearer aa.bb.cc', { type: 'jwt', text: 'aa.bb.cc' }],
    ['bearer   aa.bb.', { type: 'jwt', text: 'aa.bb.' }], // the verifier says what is wrong with it
    ['Bearer vitae_abc_def', { type: 'api-token', text: 'vitae_abc_def' }],
    [basic('anybody:vitae_abc_def'), { type: 'api-token', text: 'vitae_abc_def' }],
    [basic(':vitae_abc_def'), { type: 'api-token', text: 'vitae_abc_def' }],
    [basic('x:aa.bb.cc'), { type: 'jwt', text: 'aa.bb.cc' }],
    [basic('ben:secret'), { type: 'unreadable', why: 'malformed' }],
    [basic('ben'), { type: 'unreadable', why: 'malformed' }],
    ['Bearer', { type: 'unreadable', why: 'malformed' }],
    ['Bearer one two', { type: 'unreadable', why: 'malformed' }],
    ['human/ben', { type: 'unreadable', why: 'malformed' }],
    ['Digest aa', { type: 'unreadable', why: 'scheme-unknown' }],
    [`Bearer ${'a'.repeat(LONGEST)}`, { type: 'unreadable', why: 'too-large' }],
  ])('%j is read as %j', (header, expected) => expect(credentialOf(header)).toEqual(expected));
});

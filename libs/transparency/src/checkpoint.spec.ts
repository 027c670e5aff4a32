import { describe, expect, it } from '@jest/globals';
import { formatCheckpoint, newSigner, NoteInvalid, openCheckpoint, parseCheckpoint, parseVerifierKey, signNote } from './index.ts';

/** The example of C2SP tlog-checkpoint. */
const EXAMPLE = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
const ROOT = Buffer.from('CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=', 'base64');
const sofa = newSigner('example.com/behind-the-sofa');
const keys = [parseVerifierKey(sofa.verifierKey)];

describe('checkpoints', () => {
  it('given the example of the specification, then it is read, and written the same', () => {
    const checkpoint = parseCheckpoint(EXAMPLE);
    expect(checkpoint).toEqual({ origin: 'example.com/behind-the-sofa', size: 20_852_163, root: ROOT });
    expect(formatCheckpoint(checkpoint)).toBe(EXAMPLE);
  });

  it('given lines behind the third, then they are read over, and signed like the others', () => {
    const extended = `${EXAMPLE}a line of ours\n`;
    expect(parseCheckpoint(extended)).toEqual(parseCheckpoint(EXAMPLE));
    expect(openCheckpoint(signNote(extended, [sofa]), { keys }).note.text).toBe(extended);
    expect(() => openCheckpoint(signNote(extended, [sofa]).replace('ours', 'hers'), { keys })).toThrow('does not fit the text');
  });

  it.each([
    ['a leading zero', EXAMPLE.replace('20852163', '020852163')],
    ['a sign', EXAMPLE.replace('20852163', '+20852163')],
    ['a size in hex', EXAMPLE.replace('20852163', '0x13e2e03')],
    ['a size beyond what can be counted', EXAMPLE.replace('20852163', '9007199254740992')],
    ['a space', EXAMPLE.replace('20852163', '20852163 ')],
    ['a root too short', EXAMPLE.replace('CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=', 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==')],
    ['a root in another spelling', EXAMPLE.replace('q2I=', 'q2J=')],
    ['no origin', EXAMPLE.replace('example.com/behind-the-sofa', '')],
    ['a line less', EXAMPLE.replace('20852163\n', '')],
    ['an empty line', `${EXAMPLE}\nmore\n`],
    ['no last newline', EXAMPLE.slice(0, -1)],
    ['nothing', ''],
  ])('given %s, then it is no checkpoint', (_, text) => {
    expect(() => parseCheckpoint(text)).toThrow(NoteInvalid);
  });

  it.each([
    { origin: 'with space', size: 1, root: ROOT },
    { origin: 'two\nlines', size: 1, root: ROOT },
    { origin: 'o', size: -1, root: ROOT },
    { origin: 'o', size: 0.5, root: ROOT },
    { origin: 'o', size: 1, root: ROOT.subarray(1) },
  ])('given %j, then it is not written', (checkpoint) => {
    expect(() => formatCheckpoint(checkpoint)).toThrow(NoteInvalid);
  });

  it('given a signed checkpoint, then name and key of the log are both asked for', () => {
    const note = signNote(EXAMPLE, [sofa]);
    expect(openCheckpoint(note, { origin: 'example.com/behind-the-sofa', keys })).toMatchObject({ size: 20_852_163, root: ROOT });
    expect(() => openCheckpoint(note, { origin: 'example.com/other', keys })).toThrow('this is a checkpoint of example.com/behind-the-sofa, not of example.com/other');
    const other = newSigner('example.com/other');
    expect(() => openCheckpoint(signNote(EXAMPLE, [other]), { keys: [parseVerifierKey(other.verifierKey)] })).toThrow('not signed by a trusted key of that name');
    expect(() => openCheckpoint(signNote('not a checkpoint\n', [sofa]), { keys })).toThrow(NoteInvalid);
  });
});

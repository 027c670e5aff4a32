import { describe, expect, it } from '@jest/globals';
import {
  addCheckpointRequest,
  cosign,
  formatCheckpoint,
  newSigner,
  NoteInvalid,
  openCheckpoint,
  openNote,
  parseAddCheckpointRequest,
  parseVerifierKey,
  signNote,
  verifyCosignature,
  withCosignatures,
} from './index.ts';
import { splitNote } from './note.ts';
import { cosignatureTime } from './cosignature.ts';

/** The example of C2SP tlog-cosignature. */
const EXAMPLE = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
`;
/** The example of C2SP tlog-witness. */
const REQUEST = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
`;

const log = newSigner('example.com/log');
const witness = newSigner('witness.example/w1', 4);
const key = parseVerifierKey(witness.verifierKey);
const note = signNote(formatCheckpoint({ origin: log.name, size: 7, root: Buffer.alloc(32, 7) }), [log]);
const TIME = 1_679_315_147;
const cosigned = note + cosign(note, witness, TIME);

describe('cosignatures of witnesses', () => {
  it('given the example of the specification, then the time in it is read', () => {
    const line = splitNote(EXAMPLE).signatures[1];
    expect([line?.name, cosignatureTime(line?.signature ?? Buffer.alloc(8))]).toEqual(['witness.example.com/w1', TIME]);
  });

  it('given a cosigned checkpoint, then time and text are what the witness signed', () => {
    expect(verifyCosignature(cosigned, key)).toBe(TIME);
    expect(openCheckpoint(cosigned, { keys: [parseVerifierKey(log.verifierKey), key] }).note.verified).toHaveLength(2);
    expect(() => verifyCosignature(cosigned.replace('\n7\n', '\n8\n'), key)).toThrow('does not fit');
    expect(() => verifyCosignature(note, key)).toThrow('none of the 1 signatures');
  });

  it('given another time in the line, then it does not verify', () => {
    const { signature } = splitNote(cosigned).signatures[1] ?? { signature: Buffer.alloc(0) };
    const later = Buffer.from(signature);
    later.writeBigUInt64BE(BigInt(TIME + 1));
    const id = Buffer.alloc(4);
    id.writeUInt32BE(key.id);
    expect(() => openNote(`${note}— ${key.name} ${Buffer.concat([id, later]).toString('base64')}\n`, [key])).toThrow('does not fit');
    later.writeBigUInt64BE(2n ** 63n);
    expect(() => openNote(`${note}— ${key.name} ${Buffer.concat([id, later]).toString('base64')}\n`, [key])).toThrow('does not fit');
  });

  it('given a witness alone, then its word is not the log\'s', () => {
    expect(() => openCheckpoint(cosigned, { keys: [key] })).toThrow('not signed by a trusted key of that name');
  });

  it('given a log key for a witness, or no checkpoint, then nothing is cosigned', () => {
    expect(() => cosign(note, log, TIME)).toThrow('a witness cosigns with a key of type 4');
    expect(() => cosign(signNote('something else\n', [log]), witness, TIME)).toThrow(NoteInvalid);
    expect(() => cosign(note, witness, -1)).toThrow('is not a time');
    expect(() => verifyCosignature(note, parseVerifierKey(log.verifierKey))).toThrow('is not a witness');
  });
});

describe('the protocol of witnesses', () => {
  it('given the example request of the specification, then it is read, and written the same', () => {
    const request = parseAddCheckpointRequest(REQUEST);
    expect(request).toMatchObject({ old: 20_852_014, proof: { length: 4 } });
    expect(addCheckpointRequest(request)).toBe(REQUEST);
  });

  it('given a first request, then it has neither an old size nor a proof', () => {
    expect(parseAddCheckpointRequest(addCheckpointRequest({ old: 0, proof: [], checkpoint: note }))).toEqual({ old: 0, proof: [], checkpoint: note });
  });

  it.each([
    ['no old size', REQUEST.replace('old 20852014\n', '')],
    ['a leading zero', REQUEST.replace('old 20852014', 'old 020852014')],
    ['a hash too short', REQUEST.replace('PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=', 'PlRNCrwHpqhGrupue0L7')],
    ['64 hashes', REQUEST.replace('PlRN', `${`${Buffer.alloc(32).toString('base64')}\n`.repeat(60)}PlRN`)],
    ['no blank line', REQUEST.replace('\n\nexample', '\nexample')],
    ['no signature', REQUEST.slice(0, REQUEST.lastIndexOf('\n\n') + 2)],
    ['something behind', `${REQUEST}more\n`],
    ['nothing', ''],
  ])('given a request with %s, then it is refused', (_, body) => {
    expect(() => parseAddCheckpointRequest(body)).toThrow(NoteInvalid);
  });

  it('given the answer of a witness, then what a trusted one signed is kept, and nothing else', () => {
    const stranger = newSigner('witness.example/w1', 4);
    const answer = cosign(note, stranger, TIME) + cosign(note, witness, TIME);
    expect(withCosignatures(note, answer, [key])).toBe(cosigned);
    expect(() => withCosignatures(note, cosign(note, stranger, TIME), [key])).toThrow('none of the 1 signatures');
    const other = signNote(formatCheckpoint({ origin: log.name, size: 8, root: Buffer.alloc(32, 7) }), [log]);
    expect(() => withCosignatures(note, cosign(other, witness, TIME), [key])).toThrow('does not fit');
    expect(() => withCosignatures(note, 'nonsense', [key])).toThrow(NoteInvalid);
    expect(() => withCosignatures(note, '', [key])).toThrow(NoteInvalid);
  });
});

import { describe, expect, it } from '@jest/globals';
import { KeyInvalid, newSigner, NoteInvalid, openNote, parseVerifierKey, privateText, signerFrom, signNote } from './index.ts';

/** The example of C2SP signed-note. */
const EXAMPLE_KEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const EXAMPLE = 'This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n';
/** The example key of Go's sumdb/note. */
const NEUMANN_PRIVATE = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz';
const NEUMANN = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';

const example = parseVerifierKey(EXAMPLE_KEY);
const alice = newSigner('alice.example');
const bob = newSigner('bob.example');
const keyOf = (signer: typeof alice) => parseVerifierKey(signer.verifierKey);
const linesOf = (note: string): string => note.slice(note.lastIndexOf('\n\n') + 2);

describe('verifier keys', () => {
  it('given the example keys of the specifications, then name, type and id are read from them', () => {
    expect(example).toMatchObject({ name: 'example.com/foo', id: 0x530d903a, type: 1, text: EXAMPLE_KEY });
    expect(parseVerifierKey('remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2')).toMatchObject({ id: 0xda77ade7, type: 4 });
  });

  it.each([
    ['another name', EXAMPLE_KEY.replace('foo', 'fop')],
    ['another id', EXAMPLE_KEY.replace('530d903a', '530d903b')],
    ['another key', EXAMPLE_KEY.replace('AekyeR', 'AekyeS')],
    ['an id in capitals', EXAMPLE_KEY.replace('530d903a', '530D903A')],
    ['an id too short', EXAMPLE_KEY.replace('530d903a', '530d903')],
    ['a key cut off', EXAMPLE_KEY.slice(0, -4)],
    ['an unknown type', 'example.com/foo+530d903a+BukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'],
    ['no name', EXAMPLE_KEY.replace('example.com/foo', '')],
    ['a space in the name', EXAMPLE_KEY.replace('example.com', 'example com')],
    ['a space of another alphabet', EXAMPLE_KEY.replace('example.com', 'example\u2003com')],
    ['something behind', `${EXAMPLE_KEY}\n`],
    ['nothing', ''],
  ])('given a key with %s, then it is refused', (_, text) => {
    expect(() => parseVerifierKey(text)).toThrow(KeyInvalid);
  });

  it('given a private key, then its public key follows, and both survive being written down', () => {
    const neumann = signerFrom(NEUMANN_PRIVATE);
    expect(neumann.verifierKey).toBe(NEUMANN);
    expect(privateText(neumann)).toBe(NEUMANN_PRIVATE);
    const again = signerFrom(privateText(alice));
    expect(again.verifierKey).toBe(alice.verifierKey);
    expect(signerFrom(privateText(newSigner('w.example', 4))).verifierKey).toContain('+B');
  });

  it('given a signer, then nobody prints its private key by chance', () => {
    expect(Object.keys(alice)).toEqual(['name', 'verifierKey', 'sign']);
    expect(() => privateText({ ...alice })).toThrow('is not at hand');
  });

  it.each(['', 'a b', 'a+b', 'a\nb', 'a\u00a0b'])('given the name %j, then no key is made for it', (name) => {
    expect(() => newSigner(name)).toThrow(KeyInvalid);
  });

  it.each([NEUMANN_PRIVATE.replace('c74f20a3', 'c74f20a4'), NEUMANN_PRIVATE.replace('Peter', 'Paul'), NEUMANN_PRIVATE.slice(0, -4), NEUMANN])('given a wrong private key, then the message does not show it', (text) => {
    let message = '';
    try {
      signerFrom(text);
    } catch (error) {
      if (error instanceof KeyInvalid) message = error.message;
    }
    expect(message).not.toBe('');
    expect(message).not.toContain('AYEK');
  });
});

describe('signed notes', () => {
  it('given the example of the specification, then it opens under its key', () => {
    const opened = openNote(EXAMPLE, [example]);
    expect(opened).toMatchObject({ text: 'This is an example message.\n', verified: [{ key: example }], unknown: [] });
  });

  it('given an Ed25519 key, then our signature is the one that Go makes', () => {
    // From the documentation of golang.org/x/mod/sumdb/note.
    const text = 'If you think cryptography is the answer to your problem,\nthen you don\'t know what your problem is.\n';
    const note = signNote(text, [signerFrom(NEUMANN_PRIVATE)]);
    expect(note).toBe(`${text}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`);
  });

  it('given a text with blank lines, then it ends at the last one', () => {
    const text = 'ed è subito sera.\n\n— not a signature\n';
    expect(openNote(signNote(text, [alice]), [keyOf(alice)]).text).toBe(text);
  });

  it('given signatures by others, then they say nothing; given only such, then the note is refused', () => {
    const note = signNote('text\n', [alice, bob]);
    expect(openNote(note, [keyOf(bob)])).toMatchObject({ verified: [{ key: { name: 'bob.example' } }], unknown: [{ name: 'alice.example' }] });
    expect(() => openNote(note, [example])).toThrow('none of the 2 signatures is by a trusted key');
    expect(() => openNote(note, [])).toThrow('none of the 2 signatures is by a trusted key (trusted: none)');
  });

  it('given a trusted name with another key, then its signature says nothing', () => {
    const impostor = newSigner('alice.example');
    expect(() => openNote(signNote('text\n', [impostor]), [keyOf(alice)])).toThrow('none of the 1 signatures');
    expect(openNote(signNote('text\n', [impostor, alice]), [keyOf(alice)]).verified).toHaveLength(1);
  });

  it('given one trusted signature that fits and one that does not, then the whole note is refused', () => {
    const note = signNote('text\n', [alice]) + linesOf(signNote('another\n', [bob]));
    expect(openNote(note, [keyOf(alice)]).verified).toHaveLength(1);
    expect(() => openNote(note, [keyOf(alice), keyOf(bob)])).toThrow('the signature of bob.example does not fit');
    const twice = signNote('text\n', [alice]) + linesOf(signNote('another\n', [alice]));
    expect(() => openNote(twice, [keyOf(alice)])).toThrow('the signature of alice.example does not fit');
  });

  it('given 100 signatures, then they are read; given one more, then not', () => {
    const one = linesOf(EXAMPLE);
    expect(openNote(EXAMPLE + one.repeat(99), [example]).verified).toHaveLength(100);
    expect(() => openNote(EXAMPLE + one.repeat(100), [example])).toThrow('the note has 101 signatures');
  });

  it.each([
    ['no last newline', EXAMPLE.slice(0, -1)],
    ['no blank line', EXAMPLE.replace('\n\n', '\n')],
    ['a blank line behind', `${EXAMPLE}\n`],
    ['a carriage return', EXAMPLE.replace('message.\n', 'message.\r\n')],
    ['a tab', EXAMPLE.replace('This is', 'This\tis')],
    ['half a surrogate pair', EXAMPLE.replace('This', '\ud800')],
    ['a hyphen for a dash', EXAMPLE.replace('—', '-')],
    ['two spaces', EXAMPLE.replace('— ', '—  ')],
    ['a space behind', EXAMPLE.replace('=\n', '= \n')],
    ['base64 without its padding', EXAMPLE.replace('aQM=', 'aQM')],
    ['base64 of the same bytes in another spelling', EXAMPLE.replace('aQM=', 'aQN=')],
    ['base64 for URLs', EXAMPLE.replace('Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=', 'Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72Ineya_M=')],
    ['a plus in the name', EXAMPLE.replace('example.com/foo ', 'example.com+foo ')],
    ['no signature', 'text\n\n'],
    ['an id and no signature', 'text\n\n— example.com/foo Uw2QOg==\n'],
    ['nothing', ''],
  ])('given a note with %s, then it is refused', (_, note) => {
    expect(() => openNote(note, [example])).toThrow(NoteInvalid);
  });

  it('given a text that no note may have, or a witness for a signer, then nothing is signed', () => {
    expect(() => signNote('no newline', [alice])).toThrow(NoteInvalid);
    expect(() => signNote('a\u0000b\n', [alice])).toThrow(NoteInvalid);
    expect(() => signNote('text\n', [])).toThrow('at least one signature');
    expect(() => signNote('text\n', [newSigner('w.example', 4)])).toThrow('cannot sign a note by itself');
  });
});

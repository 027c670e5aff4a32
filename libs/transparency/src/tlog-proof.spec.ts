import { describe, expect, it } from '@jest/globals';
import { cosign, formatTlogProof, inclusionProof, logEntry, logFiles, logFrom, newSigner, NoteInvalid, parsePolicy, parseTlogProof, ProofInvalid, verifyTlogProof, type ReadTile } from './index.ts';
import { ORIGIN, signer, storedEvent, storedEvents, stranger } from './small-log.fixture.ts';

const files = logFiles(storedEvents(300), [signer]);
const witness = newSigner('witness.example', 4);
const log = logFrom(files);
const read: ReadTile = async (tile) => (await log.tile(tile)) ?? Buffer.alloc(0);
const signed = files.get('checkpoint')?.toString() ?? '';
const checkpoint = signed + cosign(signed, witness, 1_700_000_000);
const policy = parsePolicy(`log ${signer.verifierKey}\nwitness W ${witness.verifierKey}\nquorum W\n`);
const proofOf = async (index: number) => formatTlogProof({ index, proof: await inclusionProof(index, 300, read), checkpoint });

describe('.tlog-proof files', () => {
  it('given the proof of an event, then it is shown to be in the log, without the log', async () => {
    for (const index of [0, 1, 255, 256, 299]) {
      const shown = verifyTlogProof(await proofOf(index), logEntry(storedEvent(index)), policy);
      expect(shown).toMatchObject({ index, checkpoint: { origin: ORIGIN, size: 300 } });
      expect([...shown.checkpoint.witnessedAt]).toEqual([['W', 1_700_000_000]]);
    }
  });

  it('given a file, then it is read and written the same, extra data too', async () => {
    const file = await proofOf(17);
    expect(formatTlogProof(parseTlogProof(file))).toBe(file);
    expect(file.startsWith('c2sp.org/tlog-proof@v1\nindex 17\n')).toBe(true);
    const withExtra = formatTlogProof({ ...parseTlogProof(file), extra: Buffer.from('who asked') });
    expect(withExtra.split('\n')[1]).toBe('extra d2hvIGFza2Vk');
    expect(parseTlogProof(withExtra).extra).toEqual(Buffer.from('who asked'));
    expect(verifyTlogProof(withExtra, logEntry(storedEvent(17)), policy).index).toBe(17);
  });

  it('given a log of one event, then the proof has no hash', () => {
    const one = logFiles(storedEvents(1), [signer]);
    const file = formatTlogProof({ index: 0, proof: [], checkpoint: one.get('checkpoint')?.toString() ?? '' });
    expect(verifyTlogProof(file, logEntry(storedEvent(0)), parsePolicy(`log ${signer.verifierKey}\nquorum none\n`)).index).toBe(0);
  });

  it('given another event, another place or another proof, then nothing is shown', async () => {
    const file = await proofOf(17);
    expect(() => verifyTlogProof(file, logEntry(storedEvent(18)), policy)).toThrow(ProofInvalid);
    expect(() => verifyTlogProof(file.replace('index 17', 'index 18'), logEntry(storedEvent(17)), policy)).toThrow(ProofInvalid);
    expect(() => verifyTlogProof(formatTlogProof({ ...parseTlogProof(file), proof: [] }), logEntry(storedEvent(17)), policy)).toThrow('too short');
  });

  it('given a checkpoint that the policy does not believe, then nothing is shown', async () => {
    const file = await proofOf(17);
    const unseen = formatTlogProof({ ...parseTlogProof(file), checkpoint: signed });
    expect(() => verifyTlogProof(unseen, logEntry(storedEvent(17)), policy)).toThrow('lacks the quorum W');
    expect(() => verifyTlogProof(file, logEntry(storedEvent(17)), parsePolicy(`log ${stranger.verifierKey}\nquorum none\n`))).toThrow(NoteInvalid);
  });

  it('given each byte of a file changed, one at a time, then it shows nothing any more', async () => {
    const plain = parsePolicy(`log ${signer.verifierKey}\nquorum none\n`);
    const file = Buffer.from(formatTlogProof({ ...parseTlogProof(await proofOf(17)), checkpoint: signed }));
    const entry = logEntry(storedEvent(17));
    expect(verifyTlogProof(file.toString(), entry, plain).index).toBe(17);
    for (let at = 0; at < file.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const flipped = Buffer.from(file);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
        expect(() => verifyTlogProof(flipped.toString(), entry, plain)).toThrow();
      }
    }
  });

  it.each([
    ['another header', (file: string) => file.replace('@v1', '@v2')],
    ['no index', (file: string) => file.replace(/index \d+\n/, '')],
    ['a leading zero', (file: string) => file.replace('index 17', 'index 017')],
    ['a negative index', (file: string) => file.replace('index 17', 'index -17')],
    ['extra data that is no base64', (file: string) => file.replace('index', 'extra !\nindex')],
    ['a hash that is none', (file: string) => file.replace(/(index 17\n)/, '$1AAAA\n')],
    ['no blank line', (file: string) => file.replaceAll('\n\n', '\n')],
    ['64 hashes', (file: string) => file.replace(/(index 17\n)/, `$1${`${Buffer.alloc(32).toString('base64')}\n`.repeat(60)}`)],
    ['nothing', () => ''],
  ])('given a file with %s, then it is refused', async (_, change) => {
    const file = change(await proofOf(17));
    expect(() => parseTlogProof(file)).toThrow(ProofInvalid);
  });
});

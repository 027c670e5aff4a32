import { describe, expect, it } from '@jest/globals';
import {
  decodeEntries,
  encodeEntries,
  eventLine,
  formatCheckpoint,
  leafHash,
  logEntry,
  logFiles,
  logFrom,
  newSigner,
  parseCheckpoint,
  parseVerifierKey,
  signNote,
  verifyLog,
  type Checkpoint,
  type LogReport,
} from './index.ts';
import { keys, ORIGIN, signer, storedEvent, storedEvents, stranger } from './small-log.fixture.ts';

const honest = logFiles(storedEvents(300), [signer]);
const checkpointOf = (files: ReadonlyMap<string, Buffer>): Checkpoint => parseCheckpoint(`${files.get('checkpoint')?.toString().split('\n\n')[0]}\n`);
const without = (path: string): Map<string, Buffer> => new Map([...honest].filter(([other]) => other !== path));
const bytesOf = (path: string): Buffer => Buffer.from(honest.get(path) ?? '');
const asked = (files: ReadonlyMap<string, Buffer>, known?: Checkpoint): Promise<LogReport> => verifyLog(logFrom(files), { origin: ORIGIN, keys, known });
const eventsWith = (index: number, line: string): Buffer => Buffer.from(storedEvents(256).with(index, storedEvent(index)).map((event, i) => (i === index ? line : eventLine(event))).join(''));
const changed = storedEvent(17, { payload: '{"modelId":"m-1","name":"another model"}' });

describe('a log that lies', () => {
  it('given two histories of one size, then the second one is refused against the first', async () => {
    const other = logFiles(storedEvents(300).with(17, changed), [signer]);
    expect((await asked(other)).problemCount).toBe(0); // well signed: by itself it cannot be told from the truth
    expect((await asked(other, checkpointOf(honest))).problems).toEqual([
      { where: 'known', path: 'checkpoint', what: 'the log shows another root at 300 events than the one known before: it has two histories' },
    ]);
  });

  it('given a history changed before what was promised and longer since, then it is refused', async () => {
    const other = logFiles(storedEvents(600).with(17, changed), [signer]);
    expect((await asked(other, checkpointOf(honest))).firstProblem?.what).toBe('the first 300 events are not those that were promised before: history was changed');
  });

  it('given a log whose tail was cut, then it is refused against any later checkpoint', async () => {
    const shorter = logFiles(storedEvents(299), [signer]);
    expect((await asked(shorter, checkpointOf(honest))).firstProblem?.what).toBe('the log has 299 events, yet 300 were promised before: its tail was cut');
  });

  it('given an old checkpoint served again, then it is the cut tail', async () => {
    const stale = new Map(honest).set('checkpoint', Buffer.from(logFiles(storedEvents(200), [signer]).get('checkpoint') ?? ''));
    expect((await asked(stale, checkpointOf(honest))).problems.some(({ what }) => what.includes('its tail was cut'))).toBe(true);
  });

  it('given a forged payload, then the event is named and which of its bytes', async () => {
    const forged = new Map(honest).set('events/000', eventsWith(17, eventLine(changed)));
    expect((await asked(forged)).problems).toEqual([
      { where: 'payload', index: 17, eventId: changed.id, path: 'events/000', what: 'the payload does not hash to the payloadHash of its entry' },
    ]);
  });

  it('given other subjects, or another reason, then the context is named', async () => {
    for (const event of [storedEvent(17, { subjects: ['model:other'] }), storedEvent(17, { metadata: storedEvent(17).metadata.replace('spec', 'whim') })]) {
      const forged = new Map(honest).set('events/000', eventsWith(17, eventLine(event)));
      expect(await asked(forged)).toMatchObject({ problemCount: 1, firstProblem: { where: 'context', index: 17, eventId: changed.id } });
    }
  });

  it('given a forged event with its entry, then the tile convicts the entry', async () => {
    const entries = decodeEntries(bytesOf('tile/entries/000')).with(17, logEntry(changed));
    const forged = new Map(honest).set('events/000', eventsWith(17, eventLine(changed))).set('tile/entries/000', encodeEntries(entries));
    expect((await asked(forged)).problems).toEqual([
      {
        where: 'entry', index: 17, eventId: changed.id, path: 'tile/entries/000',
        what: 'the entry does not hash to its leaf in tile/0/000; the signed root agrees with the tile: the entry was changed',
      },
    ]);
  });

  it('given a forged event with its entry and its leaf, then the tile above convicts them', async () => {
    const entries = decodeEntries(bytesOf('tile/entries/000')).with(17, logEntry(changed));
    const leaves = bytesOf('tile/0/000');
    leafHash(logEntry(changed)).copy(leaves, 17 * 32);
    const forged = new Map(honest).set('events/000', eventsWith(17, eventLine(changed))).set('tile/entries/000', encodeEntries(entries)).set('tile/0/000', leaves);
    expect((await asked(forged)).problems.map(({ where, what }) => `${where}: ${what}`)).toEqual([
      'tile: hash 0 of tile/1/000.p/1 is not that of the events 0 to 255: they or it were changed',
      'root: the events do not lead to the root that the checkpoint names: events and tiles were changed together, or the checkpoint was',
    ]);
  });

  it('given everything forged up to the root, then the root is not what was signed', async () => {
    const forged = logFiles(storedEvents(300).with(17, changed), [signer]).set('checkpoint', bytesOf('checkpoint'));
    expect((await asked(forged)).problems.map(({ where }) => where)).toEqual(['root']);
  });

  it('given everything forged and the root too, then the signature does not fit', async () => {
    const forged = logFiles(storedEvents(300).with(17, changed), [signer]);
    const signature = bytesOf('checkpoint').toString().split('\n\n')[1] ?? '';
    forged.set('checkpoint', Buffer.from(`${formatCheckpoint(checkpointOf(forged))}\n${signature}`));
    expect((await asked(forged)).problems).toEqual([
      { where: 'checkpoint', path: 'checkpoint', what: `the signature of ${ORIGIN} does not fit the text: one of them was changed` },
    ]);
  });

  it('given a forged tile, then the signed root convicts it', async () => {
    const leaves = bytesOf('tile/0/000');
    leafHash(logEntry(changed)).copy(leaves, 17 * 32);
    expect((await asked(new Map(honest).set('tile/0/000', leaves))).problems).toEqual([
      {
        where: 'tile', index: 17, eventId: changed.id, path: 'tile/entries/000',
        what: 'the entry does not hash to its leaf in tile/0/000; the signed root agrees with the entry: the tile was changed',
      },
    ]);
  });

  it('given the log of somebody else, well signed, then it is not the one asked for', async () => {
    const other = newSigner('vitae.test/ledger/other');
    const files = logFiles(storedEvents(300), [other]);
    const report = await verifyLog(logFrom(files), { origin: ORIGIN, keys: [...keys, parseVerifierKey(other.verifierKey)] });
    expect(report.firstProblem?.what).toBe(`this is a checkpoint of vitae.test/ledger/other, not of ${ORIGIN}`);
    const unpinned = await verifyLog(logFrom(files), { keys });
    expect(unpinned.firstProblem?.what).toContain('none of the 1 signatures is by a trusted key');
  });

  it('given the right key under a checkpoint of another origin, then it is refused', async () => {
    const swapped = new Map(honest).set('checkpoint', Buffer.from(signNote(formatCheckpoint({ ...checkpointOf(honest), origin: 'vitae.test/swapped' }), [signer])));
    expect((await verifyLog(logFrom(swapped), { keys })).firstProblem?.what).toBe('the checkpoint of vitae.test/swapped is not signed by a trusted key of that name');
  });

  it('given another key of the same name, then it is refused', async () => {
    expect((await asked(logFiles(storedEvents(300), [stranger]))).firstProblem?.what).toContain('none of the 1 signatures is by a trusted key');
  });

  it('given a known checkpoint of another log, then the two are not compared', async () => {
    const report = await asked(honest, { ...checkpointOf(honest), origin: 'vitae.test/other' });
    expect(report.firstProblem?.what).toBe(`the log is ${ORIGIN}; the checkpoint known before is of vitae.test/other`);
  });

  it.each([
    ['too short', bytesOf('tile/0/001.p/44').subarray(32), 'tile/0/001.p/44 has 1376 bytes instead of 1408'],
    ['too long', Buffer.concat([bytesOf('tile/0/001.p/44'), Buffer.alloc(32)]), 'tile/0/001.p/44 has 1440 bytes instead of 1408'],
    ['torn', bytesOf('tile/0/001.p/44').subarray(1), 'tile/0/001.p/44 has 1407 bytes instead of 1408'],
  ])('given a partial tile that is %s, then it is refused', async (_, bytes, what) => {
    expect((await asked(new Map(honest).set('tile/0/001.p/44', bytes))).problems).toEqual([{ where: 'tile', path: 'tile/0/001.p/44', what }]);
  });

  it.each([...honest.keys()].filter((path) => path !== 'checkpoint'))('given that %s is missing, then it is missed', async (path) => {
    const report = await asked(without(path));
    expect(report.problemCount).toBe(1);
    expect(report.firstProblem?.path).toBe(path);
    expect(report.firstProblem?.what).toContain('missing');
  });

  it('given that entries and leaves are missing, then it says how far it came', async () => {
    const files = without('tile/0/000');
    files.delete('tile/entries/000');
    const report = await asked(files);
    expect(report.events).toBe(0);
    expect(report.problems.map(({ what }) => what)).toContain('only the first 0 of the 300 events that the checkpoint promises could be followed');
  });

  it('given that there is no checkpoint, then nothing is promised', async () => {
    expect(await asked(without('checkpoint'))).toMatchObject({ size: 0, problemCount: 1, firstProblem: { where: 'checkpoint' } });
  });

  it.each([
    ['an event less', (lines: string[]) => lines.slice(1), 0],
    ['an event more', (lines: string[]) => [...lines, lines[0] ?? ''], 44],
    ['two events in each other\'s place', (lines: string[]) => [lines[1] ?? '', lines[0] ?? '', ...lines.slice(2)], 256],
  ])('given an events file with %s, then it is named from where on', async (_, change, offset) => {
    const lines = bytesOf('events/001.p/44').toString().split(/(?<=\n)/);
    const report = await asked(new Map(honest).set('events/001.p/44', Buffer.from(change(lines).join(''))));
    expect(report.firstProblem).toMatchObject({ index: offset === 44 ? 300 : 256, path: 'events/001.p/44' });
  });

  it('given a checkpoint that promises more than there is, then the end is named and not waited for', async () => {
    const files = new Map(honest).set('checkpoint', Buffer.from(signNote(formatCheckpoint({ ...checkpointOf(honest), size: 9_000_000_000_000_000 }), [signer])));
    expect((await asked(files)).problems.map(({ where }) => where)).toContain('root');
  });

  it('given a log that is wrong everywhere, then all is counted and little is kept', async () => {
    const files = logFiles(storedEvents(5000), [signer]);
    for (const [path, bytes] of files) if (path.startsWith('events/')) files.set(path, Buffer.from(bytes.toString().replaceAll('credit', 'x').replaceAll('Mod', 'Nod')));
    const report = await asked(files);
    expect(report.problemCount).toBe(5000);
    expect(report.problems.length).toBeLessThanOrEqual(64);
  });
});

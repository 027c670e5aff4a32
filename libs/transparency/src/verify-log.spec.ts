import { describe, expect, it } from '@jest/globals';
import {
  encodeEntries,
  formatCheckpoint,
  leafHash,
  logFiles,
  logFrom,
  LOG_KEY_ROTATED,
  newSigner,
  openCheckpoint,
  parseVerifierKey,
  rotationStatement,
  signNote,
  TiledTree,
  tilePath,
  verifyLog,
  type LogProgress,
  type LogSource,
  type Signer,
} from './index.ts';
import { keys, ORIGIN, signer, storedEvent, storedEvents } from './small-log.fixture.ts';

const checkpointOf = (files: ReadonlyMap<string, Buffer>) => openCheckpoint(files.get('checkpoint')?.toString() ?? '', { keys });

describe('the verification of a whole log', () => {
  it.each([0, 1, 2, 255, 256, 257, 700, 2049])('given a log of %d events, then all of it is counted and nothing is wrong', async (count) => {
    const files = logFiles(storedEvents(count), [signer]);
    const report = await verifyLog(logFrom(files), { origin: ORIGIN, keys });
    const tiles = [...files.keys()].filter((path) => /^tile\/\d/.test(path)).length;
    const { root } = checkpointOf(files);
    expect(report).toEqual({ origin: ORIGIN, size: count, root, events: count, tiles, keys: [signer.verifierKey], problems: [], problemCount: 0 });
  });

  it('given a log of 66,000, then the tiles of three levels are compared', async () => {
    const files = logFiles(storedEvents(66_000), [signer]);
    expect(await verifyLog(logFrom(files), { keys })).toMatchObject({ events: 66_000, tiles: 258 + 2 + 1, problemCount: 0 });
    const path = 'tile/1/000';
    files.set(path, Buffer.from(files.get(path) ?? '').fill(0, 40, 41));
    expect((await verifyLog(logFrom(files), { keys })).problems).toEqual([{ where: 'tile', path, what: 'hash 1 of tile/1/000 is not that of the events 256 to 511: they or it were changed' }]);
  });

  it('progress is told after each bundle, and each file is read once', async () => {
    const files = logFiles(storedEvents(600), [signer]);
    const memory = logFrom(files);
    const read: string[] = [];
    const source: LogSource = {
      checkpoint: () => memory.checkpoint(),
      tile: (tile) => (read.push(`${tile.level}/${tile.index}`), memory.tile(tile)),
      entries: (index, width) => (read.push(`entries/${index}`), memory.entries(index, width)),
      events: (index, width) => (read.push(`events/${index}`), memory.events(index, width)),
    };
    const told: LogProgress[] = [];
    await verifyLog(source, { keys }, (progress) => told.push(progress));
    expect(told).toEqual([256, 512, 600].map((events) => ({ events, size: 600 })));
    expect(new Set(read).size).toBe(read.length);
    expect(read.length).toBe(files.size - 1);
  });

  it('given a source that fails, then so does the verification: that is no finding about the log', async () => {
    const source = { ...logFrom(logFiles(storedEvents(3), [signer])), entries: () => Promise.reject(new Error('the disk is gone')) };
    await expect(verifyLog(source, { keys })).rejects.toThrow('the disk is gone');
  });

  it.each([0, 1, 255, 256, 300, 600])('given the checkpoint at %d kept from before, then the log is shown to begin with it', async (count) => {
    const known = checkpointOf(logFiles(storedEvents(count), [signer]));
    const report = await verifyLog(logFrom(logFiles(storedEvents(600), [signer])), { keys, known });
    expect(report.problemCount).toBe(0);
  });
});

describe('a log that changed its key', () => {
  const next = newSigner(ORIGIN);
  const afterNext = newSigner(ORIGIN);
  const rotated = (i: number, from: Signer, to: Signer, statement = rotationStatement(ORIGIN, from, to.verifierKey)) =>
    storedEvent(i, { type: LOG_KEY_ROTATED, stream: 'ledger.LogKey-one', payload: JSON.stringify({ newVerifierKey: to.verifierKey, oldVerifierKey: from.verifierKey, statement }) });
  const once = storedEvents(300).with(270, rotated(270, signer, next));
  const twice = once.with(280, rotated(280, next, afterNext));

  it('given the first key only, when the log says in which order its keys came, then the last one is trusted', async () => {
    expect(await verifyLog(logFrom(logFiles(once, [next])), { origin: ORIGIN, keys })).toMatchObject({ problemCount: 0, keys: [next.verifierKey] });
    expect(await verifyLog(logFrom(logFiles(twice, [afterNext])), { origin: ORIGIN, keys })).toMatchObject({ problemCount: 0, keys: [afterNext.verifierKey] });
  });

  it('given the last key only, then what the log says of its earlier ones does not matter', async () => {
    const report = await verifyLog(logFrom(logFiles(twice, [afterNext])), { keys: [parseVerifierKey(afterNext.verifierKey)] });
    expect(report.problemCount).toBe(0);
  });

  it('given a key that was replaced, when it signs a log that says so, then it is refused: a stolen old key is of no use', async () => {
    const report = await verifyLog(logFrom(logFiles(once, [signer])), { keys });
    expect(report.problems).toEqual([{ where: 'checkpoint', path: 'checkpoint', what: 'the checkpoint is signed by a key that the log itself replaced before' }]);
  });

  it.each([
    ['signed by the new key', rotated(270, signer, next, rotationStatement(ORIGIN, next, next.verifierKey)), 'none of the 1 signatures is by a trusted key'],
    ['for another key', rotated(270, signer, next, rotationStatement(ORIGIN, signer, afterNext.verifierKey)), 'the old key signed something else'],
    ['for another log', rotated(270, signer, next, rotationStatement('vitae.test/other', signer, next.verifierKey)), 'the old key signed something else'],
  ])('given a statement %s, then the new key is not trusted, and the event is named', async (_, event, why) => {
    const report = await verifyLog(logFrom(logFiles(storedEvents(300).with(270, event), [next])), { keys });
    expect(report.firstProblem).toMatchObject({ where: 'key', index: 270, eventId: event.id });
    expect(report.firstProblem?.what).toContain(why);
    expect(report.keys).toEqual([]);
  });
});

describe('a log whose events disagree with their entries', () => {
  it('given an entry signed with another actor than its metadata, then it is named', async () => {
    // What a ledger service gone bad would write: every hash fits, one field of the entry lies.
    const files = logFiles([storedEvent(0)], [signer]);
    const entry = files.get('tile/entries/000.p/1')?.subarray(2).toString().replace('"actor":"dana"', '"actor":"eve"') ?? '';
    const report = await verifyLog(logFrom(resigned(files, [Buffer.from(entry)])), { keys });
    expect(report.problems).toEqual([
      { where: 'entry', index: 0, eventId: storedEvent(0).id, path: 'tile/entries/000.p/1', what: 'the entry says actor "eve", the metadata behind it "dana"' },
    ]);
  });

  it.each([
    ['another order', (entry: string) => entry.replace(/"stream":("[^"]*"),"type":("[^"]*")/, '"type":$2,"stream":$1')],
    ['white space', (entry: string) => entry.replace(':1,', ': 1,')],
    ['a field more', (entry: string) => entry.replace('"v":1', '"v":1,"w":1')],
    ['a field twice', (entry: string) => entry.replace('"v":1', '"v":1,"v":1')],
    ['another spelling', (entry: string) => entry.replace('"credit"', '"cr\\u0065dit"')],
    ['another version', (entry: string) => entry.replace('"v":1', '"v":2')],
  ])('given an entry in %s, though it is signed, then it is named', async (_, change) => {
    const files = logFiles([storedEvent(0)], [signer]);
    const entry = change(files.get('tile/entries/000.p/1')?.subarray(2).toString() ?? '');
    const report = await verifyLog(logFrom(resigned(files, [Buffer.from(entry)])), { keys });
    expect(report).toMatchObject({ firstProblem: { where: 'entry', index: 0 }, problemCount: 1 });
  });
});

/** The log with these entries instead, tiles and signature renewed as only the log itself could. */
function resigned(files: Map<string, Buffer>, entries: readonly Buffer[]): Map<string, Buffer> {
  const renewed = new Map(files);
  const tree = new TiledTree();
  for (const entry of entries) tree.append(leafHash(entry));
  renewed.set(`tile/entries/000.p/${entries.length}`, encodeEntries(entries));
  for (const { tile, hashes } of tree.partials()) renewed.set(tilePath(tile), hashes);
  renewed.set('checkpoint', Buffer.from(signNote(formatCheckpoint({ origin: ORIGIN, size: tree.size, root: tree.root() }), [signer])));
  return renewed;
}

import { describe, expect, it } from '@jest/globals';
import { logFiles, logFrom, verifyLog, type LogReport } from './index.ts';
import { keys, ORIGIN, signer, storedEvents } from './small-log.fixture.ts';

/** The report on a log in which one byte of one file is another. */
async function flipped(files: ReadonlyMap<string, Buffer>, path: string, at: number, mask: number): Promise<LogReport> {
  const bytes = Buffer.from(files.get(path) ?? '');
  bytes[at] = (bytes[at] ?? 0) ^ mask;
  return verifyLog(logFrom(new Map(files).set(path, bytes)), { origin: ORIGIN, keys });
}

/** Which event of a bundle the byte belongs to: the parts are its entries or lines. */
function eventAt(parts: readonly number[], at: number): number {
  let end = 0;
  return parts.findIndex((length) => at < (end += length));
}

describe('one changed byte anywhere in an export', () => {
  const files = logFiles(storedEvents(3), [signer]);
  const entryLengths = [0, 1, 2].map((i) => entryLength(files.get('tile/entries/000.p/3') ?? Buffer.alloc(0), i));
  const lineLengths = (files.get('events/000.p/3')?.toString('latin1') ?? '').split('\n').map((line) => line.length + 1);

  it('given an export of 3 events, then it is these files', () => {
    expect([...files.keys()].sort()).toEqual(['checkpoint', 'events/000.p/3', 'tile/0/000.p/3', 'tile/entries/000.p/3']);
  });

  it.each([...files.keys()])('given each byte of %s changed, one at a time and in each of its bits, then each change is found', async (path) => {
    const unnoticed: string[] = [];
    for (let at = 0; at < (files.get(path)?.length ?? 0); at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const report = await flipped(files, path, at, 1 << bit);
        if (report.problemCount === 0 || !report.firstProblem) unnoticed.push(`bit ${bit} of byte ${at}`);
      }
    }
    expect(unnoticed).toEqual([]);
  });

  it('given each byte of the entries changed, then the event it belongs to is named', async () => {
    for (let at = 0; at < (files.get('tile/entries/000.p/3')?.length ?? 0); at += 1) {
      const { firstProblem } = await flipped(files, 'tile/entries/000.p/3', at, 0x01);
      expect([at, firstProblem?.index, firstProblem?.where]).toEqual([at, eventAt(entryLengths, at), 'entry']);
    }
  });

  it('given each byte of the events changed, then the event it belongs to is named, and which bytes of it', async () => {
    const file = files.get('events/000.p/3') ?? Buffer.alloc(0);
    for (let at = 0; at < file.length; at += 1) {
      const index = eventAt(lineLengths, at);
      const line = file.toString('latin1').split('\n')[index] ?? '';
      const inLine = at - lineLengths.slice(0, index).reduce((sum, length) => sum + length, 0);
      const { firstProblem } = await flipped(files, 'events/000.p/3', at, 0x01);
      expect([at, firstProblem?.index]).toEqual([at, index]);
      if (line[inLine] !== '\t' && inLine < line.length) expect([at, firstProblem?.where]).toEqual([at, inLine < line.indexOf('\t') ? 'payload' : 'context']);
    }
  });

  it('given each byte of the tile changed, then the tile is named as what was changed, and the event at which', async () => {
    for (let at = 0; at < 96; at += 1) {
      const { firstProblem, problemCount } = await flipped(files, 'tile/0/000.p/3', at, 0x80);
      expect(firstProblem).toMatchObject({ where: 'tile', index: Math.floor(at / 32), path: 'tile/entries/000.p/3' });
      expect(problemCount).toBe(1);
    }
  });

  it('given 300 events, when bytes of any of the files are changed, then each change is found', async () => {
    const many = logFiles(storedEvents(300), [signer]);
    const unnoticed: string[] = [];
    for (const [path, { length }] of many) {
      // Prime steps, so that all kinds of bytes are met; both ends in any case.
      const positions = new Set([0, length - 1, ...Array.from({ length: 60 }, (_, i) => (i * 7919) % length)]);
      for (const at of positions) {
        const report = await flipped(many, path, at, 1 << at % 8);
        if (report.problemCount === 0) unnoticed.push(`${path} at ${at}`);
      }
    }
    expect(unnoticed).toEqual([]);
  });
});

function entryLength(bundle: Buffer, index: number): number {
  let at = 0;
  for (let i = 0; i < index; i += 1) at += 2 + bundle.readUInt16BE(at);
  return 2 + bundle.readUInt16BE(at);
}

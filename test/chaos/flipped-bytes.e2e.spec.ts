import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { everyByte, flipsMissed, whileFlipped } from './flipped-bytes.ts';
import { vitaeCommand } from './places.ts';
import { dice, seedOfToday } from './random.ts';
import { smallExport, type SmallExport } from './small-export.ts';

const MINUTES = 60_000;
/** Enough for a full tile of each kind, and partial ones. */
const EVENTS = 300;
let directory: string;
let exported: SmallExport;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vitae-flipped-'));
  exported = await smallExport(directory, EVENTS);
  await writeFile(join(directory, 'log.vkey'), exported.keys);
}, 5 * MINUTES);
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Exit code of `vitae verify`, a process of its own. */
const verified = (): Promise<number> =>
  new Promise((resolve) => {
    execFile(process.execPath, [vitaeCommand, 'verify', exported.directory, '--key', join(directory, 'log.vkey')], (error) => resolve(error ? Number(error.code) : 0));
  });

describe('an export that the ledger service wrote', () => {
  it('is confirmed by `vitae verify` as it is, and refused with any one bit of it flipped', async () => {
    const chance = dice(seedOfToday());
    const all = await everyByte(exported.directory);
    expect(await verified()).toBe(0);

    // The command, once for each kind of file.
    for (const [, places] of Map.groupBy(all, ({ file }) => file.split('/').slice(0, 2).join('/'))) {
      const place = chance.of(places);
      expect({ ...place, code: await whileFlipped(exported.directory, place, verified) }).toEqual({ ...place, code: 1 });
    }

    // The verifier behind it, at more places; `npm run chaos` takes every byte of a smaller one.
    expect(await flipsMissed(exported, chance.shuffled(all).slice(0, 150))).toEqual([]);
    expect(await verified()).toBe(0);
  }, 5 * MINUTES);
});

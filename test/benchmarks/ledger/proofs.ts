import { inclusionProof, leafHash, openCheckpoint, parseVerifierKey, decodeEntries, entriesPath, tilePath, TILE_WIDTH, verifyInclusion, type ReadTile } from '@vitae/transparency';
import type { Bench } from './bench.ts';
import { alternate, repeated } from './rounds.ts';
import { sampleLog, type SampleLog } from './sample-log.ts';

const EVENTS = 100_000;
const PROOFS = 1_000;

/** How many inclusion proofs can be made from tiles in memory, and checked, in a second. */
export async function proofs({ rounds, report }: Bench): Promise<void> {
  const log = sampleLog(EVENTS);
  const read: ReadTile = async (tile) => file(log, tilePath(tile));
  const { root } = openCheckpoint(file(log, 'checkpoint').toString(), { keys: [parseVerifierKey(log.signer.verifierKey)] });
  const indices = Array.from({ length: PROOFS }, () => Math.floor(Math.random() * EVENTS));
  const claims = await Promise.all(
    indices.map(async (index) => ({ index, size: EVENTS, root, leaf: leafHash(entryOf(log, index)), proof: await inclusionProof(index, EVENTS, read) })),
  );
  const [made, verified] = await alternate(
    [
      repeated('made', PROOFS, async () => {
        for (const index of indices) await inclusionProof(index, EVENTS, read);
      }),
      repeated('verified', PROOFS, async () => {
        for (const claim of claims) verifyInclusion(claim);
      }),
    ],
    rounds,
  );
  report.figures(`inclusion proofs in a log of ${EVENTS.toLocaleString('en-US')} events (an "event" is a proof; times are of ${PROOFS})`, [made!, verified!]);
  report.verdict({ goal: 'inclusion proofs verified a second', measured: verified!.eventsPerSecond, atLeast: 25_000 });
}

function entryOf(log: SampleLog, index: number): Buffer {
  const bundle = Math.floor(index / TILE_WIDTH);
  const width = Math.min(TILE_WIDTH, log.size - bundle * TILE_WIDTH);
  return decodeEntries(file(log, entriesPath(bundle, width)))[index % TILE_WIDTH]!;
}

function file({ files }: SampleLog, path: string): Buffer {
  const bytes = files.get(path);
  if (!bytes) throw new Error(`the sample log has no ${path}`);
  return bytes;
}

import { TILE_WIDTH } from '@vitae/transparency';
import { reportCutTail, signedIn, type TrustAt } from './checkpoint-check.ts';
import { newEntryCheck, type EntryRow, type Leaf } from './entry-check.ts';
import type { Report } from './fault.ts';
import { pages } from './pages.ts';
import { checkpointsBetween, entriesAfter, largestCheckpoints, tilesFrom, type Snapshot } from './snapshot.ts';
import type { Counts } from './table-checks.ts';
import { hashesIn, newTileCheck, type StoredTile } from './tile-check.ts';
import { newTreeCheck, type Signed, type Witness } from './tree-check.ts';

export interface EntriesTask {
  readonly counts: Counts;
  readonly trustAt: TrustAt;
  /** Checkpoints kept elsewhere. */
  readonly known: readonly Signed[];
  /** The leaves that an export of the log has. */
  readonly exported: Witness | undefined;
}

export interface EntriesChecked {
  /** Of the tree made from the event rows. */
  readonly size: number;
  readonly root: Buffer;
  /** How many entry rows were found by their index. */
  readonly read: number;
  /** How many events the largest valid checkpoint covers. */
  readonly signedSize: number;
}

const PAGE = 8 * TILE_WIDTH;

/** Reads the entries in ledger order, hashes each event anew, and holds the tree over them against tiles and signed roots. */
export async function checkEntries(snapshot: Snapshot, { counts, trustAt, known, exported }: EntriesTask, report: Report, onProgress: (done: number) => void): Promise<EntriesChecked> {
  const stored = readAhead(snapshot);
  // A tile is stored when it is full; one over fewer entries is made up, and says nothing.
  const isFull = (n: number): boolean => (n + 1) * TILE_WIDTH <= counts.entries;
  const witness: Witness = { name: 'the stored tiles', leaves: async (n) => hashesIn((isFull(n) && (await stored(0, n))) || Buffer.alloc(0)) };
  const entries = newEntryCheck(report);
  const tiles = newTileCheck(stored, counts.newestCheckpoint, report);
  const tree = newTreeCheck(exported ? [witness, exported] : [witness], report);
  const missing = new Map(known.filter(({ size }) => size > 0).map((promise) => [promise.size, promise]));
  let ahead = [...known]; // signed roots over more events than were read so far
  let signedSize = Math.max(0, ...known.map(({ size }) => size));
  let open: Leaf[] = [];
  let [n, read] = [0, 0];

  const learn = (rows: Awaited<ReturnType<typeof checkpointsBetween>>): void => {
    for (const row of rows) {
      missing.delete(row.size);
      const promise = signedIn(row, trustAt, report);
      if (promise) ahead.push(promise);
      signedSize = Math.max(signedSize, promise?.size ?? 0);
    }
  };
  const grow = async (leaves: readonly Leaf[]): Promise<void> => {
    const end = n * TILE_WIDTH + leaves.length;
    const due = ahead.filter(({ size }) => size > n * TILE_WIDTH && size <= end).sort((a, b) => a.size - b.size);
    ahead = ahead.filter(({ size }) => size > end);
    const hashes = await tree.block(n, leaves, due);
    if (hashes.length === TILE_WIDTH) await tiles.full(n, hashes);
    n += 1;
  };

  for await (const page of pages<EntryRow>((after) => entriesAfter(snapshot, after?.index ?? -1, PAGE))) {
    const before = n * TILE_WIDTH + open.length;
    open.push(...entries(page));
    learn(await checkpointsBetween(snapshot, before, n * TILE_WIDTH + open.length));
    for (; open.length >= TILE_WIDTH; open = open.slice(TILE_WIDTH)) await grow(open.slice(0, TILE_WIDTH));
    read += new Set(page.map(({ index }) => index)).size;
    onProgress(read);
  }
  if (open.length > 0) await grow(open);
  const { size, root } = tree.finish();
  learn(await largestCheckpoints(snapshot, size));
  reportCutTail(size, ahead, report);
  if (snapshot.tables.has('checkpoint')) {
    for (const { name, size: over } of missing.values()) {
      report({ kind: 'checkpoint-missing', index: over, message: `${name} is over ${over} events, but the database has no checkpoint of that size: its row was deleted` });
    }
  }
  return { size, root, read, signedSize };
}

/** Reads 64 tiles of the lowest level at a time: they are asked for in order. */
function readAhead(snapshot: Snapshot): StoredTile {
  const AHEAD = 64;
  let from = -AHEAD;
  let window = new Map<number, Buffer>();
  return async (level, n) => {
    if (level > 0) return (await tilesFrom(snapshot, level, n, 1)).get(n);
    if (n >= from + AHEAD) [from, window] = [n, await tilesFrom(snapshot, 0, n, AHEAD)];
    return window.get(n);
  };
}

import { appendLeaves, emptyFrontier, encodeEntries, eventLine, leafHash, logEntry, rootOf, TILE_WIDTH, type LogSource, type StoredEvent } from '@vitae/transparency';
import { entriesAfter, largestCheckpoints, tilesFrom, type Snapshot } from '../fsck/snapshot.ts';
import { hashesIn } from '../fsck/tile-check.ts';
import { CannotRun } from '../outcome.ts';

/** The log of a ledger's database: full tiles and checkpoints are stored there, everything else is made of the events. */
export function databaseLog(snapshot: Snapshot): LogSource {
  const events = async (from: number, count: number): Promise<StoredEvent[]> => {
    const rows = await entriesAfter(snapshot, from - 1, count);
    return rows.flatMap(({ index, event }) => (event && index < from + count ? [event] : []));
  };
  const tile: LogSource['tile'] = async ({ level, index, width }) => {
    if (width === TILE_WIDTH) return (await tilesFrom(snapshot, level, index, 1)).get(index);
    if (level === 0) return Buffer.concat((await events(index * TILE_WIDTH, width)).map((event) => leafHash(logEntry(event))));
    const below = await tilesFrom(snapshot, level - 1, index * TILE_WIDTH, width);
    return Buffer.concat([...below].sort(([a], [b]) => a - b).map(([, hashes]) => rootOf(appendLeaves(emptyFrontier, hashesIn(hashes)))));
  };
  return {
    async checkpoint() {
      const [newest] = await largestCheckpoints(snapshot, -1);
      if (!newest) throw new CannotRun('this database holds no checkpoint: the ledger service has signed none yet.');
      return newest.note;
    },
    tile,
    entries: async (index, width) => encodeEntries((await events(index * TILE_WIDTH, width)).map(logEntry)),
    events: async (index, width) => Buffer.from((await events(index * TILE_WIDTH, width)).map(eventLine).join('')),
  };
}

/** The index of an event in the database; undefined when it is not there or has none yet. */
export async function indexInDatabase({ query }: Snapshot, id: string): Promise<number | undefined> {
  const [row] = await query<{ index: string }>('select n.index from ledger.event e join ledger.entry n on n.seq = e.seq where e.id::text = $1 limit 1', [id]);
  return row && Number(row.index);
}

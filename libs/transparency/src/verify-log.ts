import { openCheckpoint, parseCheckpoint, type Checkpoint } from './checkpoint.ts';
import { Findings, type LogProblem } from './log-problem.ts';
import { LogWalk, type BundleBytes, type ComputedTile } from './log-walk.ts';
import { HASH_BYTES } from './merkle-tree.ts';
import { splitNote } from './note.ts';
import { tilePath, TILE_WIDTH, type Tile } from './tile.ts';
import type { VerifierKey } from './verifier-key.ts';

/** Where a log is read from: a directory, a server, memory. Nothing of it is believed. undefined: it is not there. */
export interface LogSource {
  /** The signed note. */
  checkpoint(): Promise<string>;
  /** Exactly the width asked for: a partial tile MUST NOT be answered with the full one. So for entries and events. */
  tile(tile: Tile): Promise<Uint8Array | undefined>;
  entries(index: number, width: number): Promise<Uint8Array | undefined>;
  events(index: number, width: number): Promise<Uint8Array | undefined>;
}

/** What the verifier brings along. */
export interface LogTrust {
  /** The log's name. Default: whatever log one of the keys belongs to. */
  readonly origin?: string | undefined;
  readonly keys: readonly VerifierKey[];
  /** A checkpoint of this log that was checked before and kept elsewhere: only against one can a cut tail be seen. */
  readonly known?: Checkpoint | undefined;
}

export interface LogReport {
  /** As the checkpoint says them: to be believed when there is no problem. */
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  /** How many events and tiles were read and compared. */
  readonly events: number;
  readonly tiles: number;
  /** The trusted keys that signed the checkpoint, as text. */
  readonly keys: readonly string[];
  /** The first wrong event, or what is wrong with the log as a whole when no event is. Absent: the log is what was signed. */
  readonly firstProblem?: LogProblem;
  /** In the order they were found; not all of them when there are many. */
  readonly problems: readonly LogProblem[];
  readonly problemCount: number;
}

export interface LogProgress {
  readonly events: number;
  readonly size: number;
}

/** Bundles under way at once: enough that reading never waits for hashing, few enough for any machine. */
const READ_AHEAD = 8;

/**
 * Checks a whole log: that each stored event hashes to its entry and agrees with it, each entry to its leaf, the leaves to the
 * tiles of all levels and to the root, that the root is signed by a trusted key (or by one that a trusted key made its successor
 * in the log itself), and that the log begins with the one known before. Every byte of every file of the log is covered.
 *
 * Reads each file once, in order; memory does not grow with the log. Rejects only when the source does: what is wrong with the
 * log stands in the report.
 */
export async function verifyLog(source: LogSource, trust: LogTrust, onProgress: (progress: LogProgress) => void = () => undefined): Promise<LogReport> {
  const findings = new Findings();
  const note = await source.checkpoint();
  const claim = attempt(() => parseCheckpoint(splitNote(note).text), (what) => findings.add({ where: 'checkpoint', path: 'checkpoint', what }));
  if (!claim) return reported({ origin: '', size: 0, root: Buffer.alloc(HASH_BYTES) }, { events: 0, tiles: 0, keys: [] }, findings);

  const walk = new LogWalk(claim.origin, trust.keys, findings, trust.known?.size);
  let tiles = 0;
  const compareAbove = async (last: boolean): Promise<void> => {
    for (const computed of walk.tilesAbove({ last })) {
      const stored = await source.tile(computed.tile);
      if (stored) tiles += 1;
      compare(computed, stored, findings);
    }
  };
  for await (const { tile, bytes } of bundles(source, claim.size)) {
    if (bytes.tile) tiles += 1;
    if (!walk.step(tile, bytes)) break;
    await compareAbove(false);
    onProgress({ events: walk.size, size: claim.size });
  }
  await compareAbove(true);
  checkRoot(claim, walk, findings);
  if (trust.known) checkKnown(claim, trust.known, walk, findings);
  const keys = checkSignature(note, trust, walk, findings);
  return reported(claim, { events: walk.size, tiles, keys }, findings);
}

/** The bundles of a log in order, a few of them read ahead. */
async function* bundles(source: LogSource, size: number): AsyncGenerator<{ readonly tile: Tile; readonly bytes: BundleBytes }> {
  const ahead: { readonly tile: Tile; readonly bytes: Promise<BundleBytes> }[] = [];
  for (let begin = 0; begin < size || ahead.length > 0; begin += TILE_WIDTH) {
    if (begin < size) {
      const tile = { level: 0, index: begin / TILE_WIDTH, width: Math.min(TILE_WIDTH, size - begin) };
      const bytes = readBundle(source, tile);
      bytes.catch(() => undefined); // awaited below, if the walk gets there
      ahead.push({ tile, bytes });
      if (ahead.length < READ_AHEAD) continue;
    }
    const next = ahead.shift();
    if (next) yield { tile: next.tile, bytes: await next.bytes };
  }
}

async function readBundle(source: LogSource, tile: Tile): Promise<BundleBytes> {
  const { index, width } = tile;
  const [entries, events, leaves] = await Promise.all([source.entries(index, width), source.events(index, width), source.tile(tile)]);
  return { entries, events, tile: leaves };
}

function compare({ tile, hashes, alternative }: ComputedTile, stored: Uint8Array | undefined, findings: Findings): void {
  const path = tilePath(tile);
  if (stored && (hashes.equals(stored) || alternative?.equals(stored))) return;
  if (stored?.length !== hashes.length) {
    findings.add({ where: 'tile', path, what: stored ? `${path} has ${stored.length} bytes instead of ${hashes.length}` : `${path} is missing` });
    return;
  }
  const at = Math.floor(hashes.findIndex((byte, i) => byte !== stored[i]) / HASH_BYTES);
  const covers = TILE_WIDTH ** tile.level;
  const first = (tile.index * TILE_WIDTH + at) * covers;
  findings.add({ where: 'tile', path, what: `hash ${at} of ${path} is not that of the events ${first} to ${first + covers - 1}: they or it were changed` });
}

function checkRoot(claim: Checkpoint, walk: LogWalk, findings: Findings): void {
  if (walk.size < claim.size) {
    findings.add({ where: 'root', what: `only the first ${walk.size} of the ${claim.size} events that the checkpoint promises could be followed` });
    return;
  }
  const [ofEntries, ofTiles] = walk.roots;
  if (ofEntries?.equals(claim.root)) findings.settle('tile');
  else if (ofTiles?.equals(claim.root)) findings.settle('entry');
  else findings.add({ where: 'root', path: 'checkpoint', what: `the events do not lead to the root that the checkpoint names: events and tiles were changed together, or the checkpoint was` });
}

function checkKnown(claim: Checkpoint, known: Checkpoint, walk: LogWalk, findings: Findings): void {
  const wrong = (what: string): void => findings.add({ where: 'known', path: 'checkpoint', what });
  if (known.origin !== claim.origin) wrong(`the log is ${claim.origin}; the checkpoint known before is of ${known.origin}`);
  else if (known.size > claim.size) wrong(`the log has ${claim.size} events, yet ${known.size} were promised before: its tail was cut`);
  else if (known.size === claim.size && !known.root.equals(claim.root)) wrong(`the log shows another root at ${claim.size} events than the one known before: it has two histories`);
  else if (walk.rootsThere.length > 0 && !walk.rootsThere.some((root) => root.equals(known.root))) wrong(`the first ${known.size} events are not those that were promised before: history was changed`);
}

function checkSignature(note: string, { origin, keys }: LogTrust, walk: LogWalk, findings: Findings): readonly string[] {
  const opened = attempt(
    () => openCheckpoint(note, { origin, keys: walk.keys }),
    (what) => {
      const replaced = walk.keys !== keys && attempt(() => openCheckpoint(note, { origin, keys }), () => undefined) !== undefined;
      findings.add({ where: 'checkpoint', path: 'checkpoint', what: replaced ? 'the checkpoint is signed by a key that the log itself replaced before' : what });
    },
  );
  return opened?.note.verified.map(({ key }) => key.text) ?? [];
}

function reported({ origin, size, root }: Checkpoint, done: { readonly events: number; readonly tiles: number; readonly keys: readonly string[] }, findings: Findings): LogReport {
  const { first, listed, count } = findings;
  return { origin, size, root, ...done, ...(first ? { firstProblem: first } : {}), problems: listed, problemCount: count };
}

function attempt<T>(parse: () => T, onFault: (what: string) => void): T | undefined {
  try {
    return parse();
  } catch (error) {
    onFault(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

import { checkEntries, type EntriesChecked } from './check-entries.ts';
import { trustAfter, untrustedBefore, type Trust, type TrustAt } from './checkpoint-check.ts';
import type { Report } from './fault.ts';
import { pages } from './pages.ts';
import { rotations, streamRowsAfter, type Snapshot } from './snapshot.ts';
import { newStreamCheck, type StreamRow } from './stream-check.ts';
import { checkBlocks, checkCosignatures, checkGuards, checkHead, checkIds, checkSubjects, checkTileNumbers, checkWaiting, countRows, type Counts } from './table-checks.ts';
import type { Signed, Witness } from './tree-check.ts';

/** What is known from outside of the database. */
export interface Outside {
  readonly trust: Trust;
  /** Checkpoints kept elsewhere; opened when it is known who signed the log when. */
  readonly known: (trustAt: TrustAt) => readonly Signed[];
  /** The leaves that an export of the log has. */
  readonly exported?: Witness | undefined;
}

export interface LedgerChecked extends EntriesChecked {
  readonly counts: Counts;
  readonly streams: number;
  /** Earlier keys of the log that are not trusted: checkpoints by them were reported as changed. */
  readonly untrusted: readonly string[];
}

const PAGE = 4096;

/**
 * Checks everything in one snapshot: the entries in ledger order with the tree over them, the events by stream, and the
 * other tables against both. Only the event rows are taken as they are; what follows from them is computed anew.
 */
export async function checkLedger(snapshot: Snapshot, outside: Outside, report: Report, onProgress: (done: number, total: number) => void = () => undefined): Promise<LedgerChecked> {
  const counts = await countRows(snapshot);
  const rotated = await rotations(snapshot);
  const trustAt = trustAfter(outside.trust, rotated, report);
  const task = { counts, trustAt, known: outside.known(trustAt), exported: outside.exported };
  const total = counts.entries + counts.events;

  const entries = await checkEntries(snapshot, task, report, (done) => onProgress(done, total));
  if (entries.read !== counts.entries) {
    report({ kind: 'entry-doubled', message: `ledger.entry has ${counts.entries} rows, but ${entries.read} are found by their index: some have a double or a negative one` });
  }
  const streams = await checkStreams(snapshot, counts, report, (done) => onProgress(counts.entries + done, total));

  await checkHead(snapshot, entries.size, report);
  await checkWaiting(snapshot, report);
  await checkIds(snapshot, report);
  await checkSubjects(snapshot, report);
  await checkBlocks(snapshot, report);
  await checkTileNumbers(snapshot, entries.size, report);
  await checkCosignatures(snapshot, report);
  await checkGuards(snapshot, report);
  if (counts.tiles > 0 && counts.checkpoints === 0) {
    report({ kind: 'checkpoint-missing', message: 'there are tiles but no checkpoint: the checkpoints were deleted, or none was ever signed' });
  }
  return { ...entries, counts, streams, untrusted: untrustedBefore(outside.trust, rotated) };
}

async function checkStreams(snapshot: Snapshot, counts: Counts, report: Report, onProgress: (done: number) => void): Promise<number> {
  const streams = newStreamCheck(report);
  let read = 0;
  for await (const page of pages<StreamRow>((after) => streamRowsAfter(snapshot, after, PAGE))) {
    streams.check(page);
    read += new Set(page.map(({ seq, revision }) => `${seq}/${revision}`)).size;
    onProgress(read);
  }
  if (read !== counts.events) {
    report({ kind: 'event-doubled', message: `ledger.event has ${counts.events} rows, but ${read} are found by stream, revision and number: some are there twice` });
  }
  return streams.streams();
}

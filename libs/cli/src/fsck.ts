import { openCheckpoint, parseCheckpoint, TILE_WIDTH, tilePath } from '@vitae/transparency';
import type { Command } from 'commander';
import { checkLedger, type LedgerChecked } from './fsck/check-ledger.ts';
import type { TrustAt } from './fsck/checkpoint-check.ts';
import { newFaultList, type FaultList } from './fsck/fault.ts';
import { openSnapshot } from './fsck/snapshot.ts';
import { hashesIn } from './fsck/tile-check.ts';
import type { Signed, Witness } from './fsck/tree-check.ts';
import { directoryLog, type ReadLogFile } from './log/directory-log.ts';
import { answer, CannotRun, withJson, type Outcome } from './outcome.ts';
import { newProgress } from './progress.ts';
import { keysOf, knownNote, openedOrRefused, withTrust, type TrustOptions } from './trust-options.ts';

export interface FsckOptions extends TrustOptions {
  readonly json?: boolean;
  /** Directory of an export of the log. */
  readonly log?: string;
  readonly most: string;
}

export function registerFsck(program: Command): void {
  withJson(withTrust(program.command('fsck')))
    .summary('check a live database, trusting nobody who has access to it')
    .description(
      'Checks a live database, beside its writers and without changing anything. It assumes that the owner of the database cheats: rows edited, ' +
        'deleted or exchanged while the triggers were off, tiles and checkpoints rewritten. Everything is computed anew from the event rows and held against ' +
        'what the key of the log signed. A checkpoint that you kept elsewhere (--known) shows a tail that was cut off without a trace.',
    )
    .argument('<database-url>', 'postgres://… of a role that may read schema ledger')
    .option('--log <directory>', 'an export of the log: tells which events were changed when the tiles in the database were rewritten, too')
    .option('--most <n>', 'how many faults to list', '100')
    .addHelpText('after', '\nExample:\n  $ vitae fsck postgres://auditor@db.example/vitae --key log.vkey --known checkpoint.of-last-week')
    .action((url: string, options: FsckOptions) => answer(options, () => fsck(url, options)));
}

/** @throws CannotRun when the database, the key or a file named in the options is not there. */
export async function fsck(databaseUrl: string, options: FsckOptions): Promise<Outcome> {
  const most = Number(options.most);
  if (!Number.isSafeInteger(most) || most < 1) throw new CannotRun(`--most ${options.most} is not a number of faults.`);
  const trust = { keys: await keysOf(options), origin: options.origin };
  const exported = options.log === undefined ? undefined : await openExport(directoryLog(options.log), options.log);
  const kept = await knownNote(options);
  const notes = [
    ...(kept === undefined ? [] : [{ name: 'the known checkpoint', note: kept }]),
    ...(exported ? [{ name: 'the checkpoint of the export', note: exported.note }] : []),
  ];
  const known = (trustAt: TrustAt): Signed[] => notes.map(({ name, note }) => ({ ...openKept(name, note, trustAt), name }));

  const faults = newFaultList(most);
  const progress = newProgress('checking', options);
  const snapshot = await openSnapshot(databaseUrl);
  try {
    const checked = await checkLedger(snapshot, { trust, known, exported: exported?.leaves }, faults.report, progress.update);
    progress.stop();
    return outcome(checked, faults, ['tile', 'checkpoint'].filter((table) => !snapshot.tables.has(table)), notes.length > 0);
  } finally {
    progress.stop();
    await snapshot.close();
  }
}

function outcome(checked: LedgerChecked, faults: FaultList, absent: readonly string[], comparedWithKept: boolean): Outcome {
  const { counts, streams, size, root, signedSize, untrusted } = checked;
  const [total, shown] = [faults.total(), faults.kept];
  const unsigned = size - Math.min(size, signedSize);
  const hints = [
    ...absent.map((table) => `ledger.${table} is not there: this database was migrated by an older version.`),
    ...(unsigned > 0 ? [`No checkpoint covers the last ${unsigned} events yet: a change of them cannot be found.`] : []),
    ...untrusted.map((key) => `The log signed with ${key} before, which you did not name: its checkpoints count as changed. If you trust it, name it with --key, too.`),
    ...(comparedWithKept ? [] : ['Without a checkpoint kept elsewhere (--known) a cut tail cannot be found when its checkpoints were deleted, too.']),
  ];
  const lines = [
    `Checked ${counts.events} events in ${streams} streams (${counts.entries} with an index, ${counts.waiting} waiting), ${counts.tiles} tiles, ${counts.checkpoints} checkpoints.`,
    ...shown.map(({ kind, message }) => `${kind}: ${message}`),
    ...(total > shown.length ? [`... and ${total - shown.length} more (--most ${total} lists them all)`] : []),
    ...hints,
    total === 0 ? `No fault: ${size} events, root ${root.toString('base64')}.` : `${total} ${total === 1 ? 'fault' : 'faults'} found.`,
  ];
  return { ok: total === 0, lines, json: { ...counts, streams, size, root: root.toString('base64'), signedSize, faultCount: total, faults: shown, hints } };
}

/** A checkpoint that the caller named, signed by whoever signed the log at its size. */
function openKept(name: string, note: string, trustAt: TrustAt): { readonly size: number; readonly root: Buffer } {
  return openedOrRefused(name, () => openCheckpoint(note, trustAt(parseCheckpoint(`${note.split('\n\n')[0]}\n`).size)));
}

/** The checkpoint of an export, and its leaves as far as they go. */
async function openExport(read: ReadLogFile, directory: string): Promise<{ readonly note: string; readonly leaves: Witness }> {
  const note = (await read('checkpoint'))?.toString('utf8');
  if (note === undefined) throw new CannotRun(`${directory} holds no export of a log: it has no file named checkpoint.`);
  const { size } = openedOrRefused('the checkpoint of the export', () => parseCheckpoint(`${note.split('\n\n')[0]}\n`));
  const leaves = async (n: number): Promise<Buffer[]> => {
    const width = Math.min(TILE_WIDTH, size - n * TILE_WIDTH);
    return width <= 0 ? [] : hashesIn((await read(tilePath({ level: 0, index: n, width }))) ?? Buffer.alloc(0));
  };
  return { note, leaves: { name: 'the exported tiles', leaves } };
}

import { writeFile } from 'node:fs/promises';
import { formatTlogProof, inclusionProof, NoteInvalid, openCheckpoint, type LogSource, type VerifierKey } from '@vitae/transparency';
import type { Command } from 'commander';
import { openSnapshot } from './fsck/snapshot.ts';
import { databaseLog, indexInDatabase } from './log/database-log.ts';
import { directoryLog } from './log/directory-log.ts';
import { entryAt, findIndex } from './log/find-event.ts';
import { httpLog } from './log/http-log.ts';
import { logSource } from './log/log-source.ts';
import { answer, CannotRun, ProblemFound, withJson, type Outcome } from './outcome.ts';
import { newProgress } from './progress.ts';
import { checkProof, policyOf, provenJson, provenLines } from './proof.ts';
import { keysOf, readPolicy, withTrust, type TrustOptions } from './trust-options.ts';

export interface ProveOptions extends Omit<TrustOptions, 'known'> {
  readonly json?: boolean;
  readonly from: string;
  readonly policy?: string;
  readonly out?: string;
}

export function registerProve(program: Command): void {
  withJson(withTrust(program.command('prove'), { known: false }))
    .summary('make a proof that an event is in the log')
    .description(
      'Makes a C2SP .tlog-proof: a small file that shows, without network and without Vitae, that an event is in the log that the key signed. ' +
        'The proof is verified before it is written. Beside it lies the entry that it is about; whoever checks needs both.',
    )
    .argument('<event>', 'the index of an event, or its id')
    .requiredOption('--from <place>', 'where the log is: directory of an export, http(s) address of a log, or postgres:// address of its database')
    .option('--policy <file>', 'a C2SP tlog-policy: which witnesses must have cosigned the checkpoint')
    .option('--out <file.tlog-proof>', 'write the proof to this file, and the entry to <file>.entry.json; else the proof is printed')
    .addHelpText('after', '\nExample:\n  $ vitae prove 1234 --from http://127.0.0.1:7400/api/ledger/log --key log.vkey --out approval.tlog-proof\n  $ vitae verify approval.tlog-proof --entry approval.entry.json --key log.vkey')
    .action((event: string, options: ProveOptions) => answer(options, () => prove(event, options)));
}

/** @throws CannotRun when log, event or key are not there; ProblemFound when what is there does not prove it. */
export async function prove(event: string, options: ProveOptions): Promise<Outcome> {
  const policy = options.policy === undefined ? policyOf(await keysOf(options)) : await readPolicy(options.policy);
  const log = await openLog(options.from);
  const progress = newProgress('looking for the event', options);
  try {
    const note = await log.source.checkpoint();
    const size = signedSize(note, options.origin, policy.logs);
    const index = /^\d+$/.test(event) ? Number(event) : await log.find(event, size, progress.update);
    progress.stop();
    if (index === undefined) throw new CannotRun(`there is no event ${event} in this log of ${size} events. If it is new, its checkpoint may still come: try again in some seconds.`);
    if (index >= size) throw new CannotRun(`the log's newest checkpoint covers ${size} events, index ${index} is not among them. If it is new, try again in some seconds.`);

    const entry = await entryAt(log.source, index, size);
    const hashes = await inclusionProof(index, size, async (tile) => (await log.source.tile(tile)) ?? Buffer.alloc(0));
    const proof = formatTlogProof({ index, proof: hashes, checkpoint: note });
    const proven = checkProof(proof, entry, policy);
    const written = options.out === undefined ? [] : await write(options.out, proof, entry);
    return {
      ok: true,
      lines: [...provenLines(proven), ...(written.length > 0 ? [`Written: ${written.join(', ')}`] : ['', proof.trimEnd()])],
      json: { ...provenJson(proven), proof, written },
    };
  } finally {
    progress.stop();
    await log.close();
  }
}

function signedSize(note: string, origin: string | undefined, keys: readonly VerifierKey[]): number {
  try {
    return openCheckpoint(note, { origin, keys }).size;
  } catch (error) {
    if (!(error instanceof NoteInvalid)) throw error;
    throw new ProblemFound(`the checkpoint is not to be believed: ${error.message}. If the log rotated its key, \`vitae verify\` with the old key tells the one it signs with now.`, { cause: error });
  }
}

interface OpenLog {
  readonly source: LogSource;
  find(id: string, size: number, onProgress: (done: number, total: number) => void): Promise<number | undefined>;
  close(): Promise<void>;
}

async function openLog(from: string): Promise<OpenLog> {
  if (/^postgres(ql)?:/.test(from)) {
    const snapshot = await openSnapshot(from);
    return { source: databaseLog(snapshot), find: (id) => indexInDatabase(snapshot, id), close: snapshot.close };
  }
  const source = logSource(/^https?:/.test(from) ? httpLog(from) : directoryLog(from), from);
  return { source, find: (id, size, onProgress) => findIndex(source, id, size, onProgress), close: () => Promise.resolve() };
}

async function write(out: string, proof: string, entry: Buffer): Promise<string[]> {
  const entryFile = `${out.replace(/\.tlog-proof$/, '')}.entry.json`;
  await writeFile(out, proof);
  await writeFile(entryFile, entry);
  return [out, entryFile];
}

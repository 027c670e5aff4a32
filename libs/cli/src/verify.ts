import { open, readFile, stat } from 'node:fs/promises';
import { checkPolicy, NoteInvalid, openCheckpoint, verifyLog, type LogReport, type LogSource, type Policy, type VerifierKey } from '@vitae/transparency';
import type { Command } from 'commander';
import { directoryLog, type ReadLogFile } from './log/directory-log.ts';
import { httpLog } from './log/http-log.ts';
import { logSource } from './log/log-source.ts';
import { answer, CannotRun, withJson, type Outcome } from './outcome.ts';
import { newProgress } from './progress.ts';
import { checkProof, policyOf, provenJson, provenLines } from './proof.ts';
import { keysIn, keysOf, knownNote, openedOrRefused, readPolicy, readText, withTrust, type TrustOptions } from './trust-options.ts';
import { verifyEvidence } from './verify-evidence.ts';

export interface VerifyOptions extends TrustOptions {
  readonly json?: boolean;
  readonly keyFromExport?: boolean;
  readonly policy?: string;
  /** File with the entry that a .tlog-proof is about. */
  readonly entry?: string;
}

export function registerVerify(program: Command): void {
  withJson(withTrust(program.command('verify')))
    .summary('check a log, an evidence file or a proof, trusting only a key')
    .description(
      'Checks that nothing was changed. A log (the directory of an export, or its http address): every stored event, entry, tile and the checkpoint. ' +
        'An evidence pack (.vitae-evidence.zip): everything in it. A proof (.tlog-proof) with its entry. Names the first wrong event. ' +
        'Files are checked without any network.',
    )
    .argument('<what>', 'directory, file, or http(s) address of a log')
    .option('--policy <file>', 'a C2SP tlog-policy: which logs count (then --key is not needed), and which witnesses must have cosigned the checkpoint')
    .option('--entry <file>', 'the entry that a .tlog-proof is about')
    .option('--key-from-export', 'take the key that lies beside the log. It shows damage, not fraud: who forges a log can put a key of his own there')
    .addHelpText('after', '\nExamples:\n  $ vitae verify ./export --key log.vkey --known checkpoint.of-last-week\n  $ vitae verify http://127.0.0.1:7400/api/ledger/log --key log.vkey\n  $ vitae verify credit.vitae-evidence.zip --key log.vkey\n  $ vitae verify approval.tlog-proof --entry approval.entry.json --key log.vkey')
    .action((what: string, options: VerifyOptions) => answer(options, () => verify(what, options)));
}

/** @throws CannotRun when a file, server or key is not there; ProblemFound when a proof does not hold. */
export async function verify(what: string, options: VerifyOptions): Promise<Outcome> {
  if (/^https?:/.test(what)) return verifyLogFiles(what, httpLog(what), options);
  const found = await stat(what).catch((cause: NodeJS.ErrnoException) => {
    throw new CannotRun(`${what} cannot be read (${cause.code}). Name the directory of an export, an evidence file, a .tlog-proof, or an http(s) address.`, { cause });
  });
  if (found.isDirectory()) return verifyLogFiles(what, directoryLog(what), options);
  const begin = await firstBytes(what);
  if (begin.startsWith('PK')) return verifyEvidence(what, options);
  if (begin.startsWith('c2sp.org/tlog-proof@')) return verifyProof(what, options);
  throw new CannotRun(`${what} is neither an evidence file nor a .tlog-proof. To check a log, name its directory or address.`);
}

async function verifyLogFiles(where: string, read: ReadLogFile, options: VerifyOptions): Promise<Outcome> {
  const policy = options.policy === undefined ? undefined : await readPolicy(options.policy);
  const keys = options.keyFromExport ? await exportedKeys(where, read) : [...(policy?.logs ?? []), ...(policy && !options.key ? [] : await keysOf(options))];
  const kept = await knownNote(options);
  const known = kept === undefined ? undefined : openedOrRefused('the known checkpoint', () => openCheckpoint(kept, { origin: options.origin, keys }));

  const source = onceRead(logSource(read, where));
  const progress = newProgress('verifying', options);
  try {
    const report = await verifyLog(source, { origin: options.origin, keys, known }, ({ events, size }) => progress.update(events, size));
    progress.stop();
    const unwitnessed = policy && lacksWitnesses(policy, await source.checkpoint());
    return logOutcome(report, options.keyFromExport === true, known?.size, unwitnessed);
  } finally {
    progress.stop();
  }
}

function logOutcome(report: LogReport, untrusted: boolean, known: number | undefined, unwitnessed: string | undefined): Outcome {
  const { origin, size, root, events, tiles, keys, problems, problemCount, firstProblem } = report;
  const ok = problemCount === 0 && unwitnessed === undefined;
  const warning = untrusted ? ['NOT TRUSTED: the key came from the export itself, so this shows damage, but no fraud.'] : [];
  const lines = ok
    ? [
        `Everything is as signed: ${size} events and ${tiles} tiles of ${origin}, root ${root.toString('base64')}.`,
        `Signed by ${keys.join(', ')}.`,
        known === undefined ? 'Whether events were cut off at the end shows only against a checkpoint kept elsewhere (--known).' : `It begins with the ${known} events of the known checkpoint.`,
        ...warning,
      ]
    : [
        ...(firstProblem ? [`First problem: ${place(firstProblem)}${firstProblem.what}`] : []),
        ...problems.filter((problem) => problem !== firstProblem).map((problem) => `${problem.where}: ${place(problem)}${problem.what}`),
        ...(problemCount > problems.length ? [`... and ${problemCount - problems.length} more`] : []),
        ...(unwitnessed === undefined ? [] : [unwitnessed]),
        ...warning,
        `${origin || 'The log'} is not as it was signed.`,
      ];
  const json = { origin, size, root: root.toString('base64'), events, tiles, keys, trusted: !untrusted, known: known ?? null, firstProblem: firstProblem ?? null, problems, problemCount, policy: unwitnessed ?? null };
  return { ok, lines, json };
}

async function verifyProof(path: string, options: VerifyOptions): Promise<Outcome> {
  if (options.entry === undefined) throw new CannotRun('a proof is about an entry: name its file with --entry.');
  const policy = options.policy === undefined ? policyOf(await keysOf(options)) : await readPolicy(options.policy);
  const entry = await readFile(options.entry).catch((cause: NodeJS.ErrnoException) => {
    throw new CannotRun(`the entry ${options.entry} cannot be read (${cause.code}).`, { cause });
  });
  const proven = checkProof(await readText(path, 'the proof'), entry, policy);
  return { ok: true, lines: provenLines(proven), json: provenJson(proven) };
}

/** Why the policy does not believe the checkpoint; undefined when it does. */
function lacksWitnesses(policy: Policy, note: string): string | undefined {
  try {
    checkPolicy(policy, note);
    return undefined;
  } catch (error) {
    if (!(error instanceof NoteInvalid)) throw error;
    return error.message;
  }
}

async function exportedKeys(where: string, read: ReadLogFile): Promise<readonly VerifierKey[]> {
  const text = await read('log.vkey');
  if (!text) throw new CannotRun(`${where} has no log.vkey. Name the key with --key.`);
  return keysIn(text.toString('utf8'), `log.vkey of ${where}`);
}

/** The checkpoint of a live log changes while one reads it: whoever asks twice MUST get the same. */
function onceRead(source: LogSource): LogSource {
  let note: Promise<string> | undefined;
  return { ...source, checkpoint: () => (note ??= source.checkpoint()) };
}

async function firstBytes(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    return buffer.subarray(0, bytesRead).toString('latin1');
  } finally {
    await file.close();
  }
}

function place({ index, eventId }: { readonly index?: number | undefined; readonly eventId?: string | undefined }): string {
  if (index === undefined) return '';
  return eventId === undefined ? `index ${index}: ` : `index ${index} (event ${eventId}): `;
}

import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { parseCheckpoint } from '@vitae/transparency';
import { Option, type Command } from 'commander';
import { callApi, withApi, type ApiOptions } from './api.ts';
import { answer, CannotRun, withJson, type Outcome } from './outcome.ts';
import { newProgress } from './progress.ts';
import { readText } from './trust-options.ts';

export interface EvidenceOptions extends ApiOptions {
  readonly json?: boolean;
  readonly project: string;
  readonly subject?: readonly string[];
  readonly stream?: readonly string[];
  readonly asOf?: string;
  readonly known?: string;
  readonly for?: string;
  readonly reason?: string;
  readonly out: string;
}

/** `vitae evidence`: takes an evidence pack out of a running Vitae. */
export function registerEvidence(program: Command): void {
  const some = (flags: string, what: string): Option => new Option(flags, `${what}; may be repeated`).argParser((value: string, before: readonly string[] = []) => [...before, value]);
  withJson(withApi(program.command('evidence')))
    .summary('take an evidence pack: all about a model, with proofs, in one file')
    .description(
      'Writes one file with all events about a model, use case, decision or stream, their proofs, a signed checkpoint and a report to read. ' +
        '`vitae verify` checks it anywhere, without network. The ledger records who took what, and for whom.',
    )
    .requiredOption('--project <project>', 'the project')
    .addOption(some('--subject <subject>', 'what it is about, such as model:0199…'))
    .addOption(some('--stream <stream>', 'an aggregate, such as governance.UseCase-0199…'))
    .option('--as-of <point>', 'an index or an RFC 3339 time; without, now')
    .option('--known <file>', 'a checkpoint of the log that the reader keeps: the pack proves that it continues that one')
    .option('--for <whom>', 'who gets it, when that is not who asks; it is recorded')
    .option('--reason <text>', 'why; it is recorded')
    .requiredOption('--out <file>', 'where to write it, such as credit.vitae-evidence.zip')
    .addHelpText('after', '\nExample:\n  $ vitae evidence --project credit --subject model:0199… --for "the supervisor" --out credit.vitae-evidence.zip\n  $ vitae verify credit.vitae-evidence.zip --key log.vkey')
    .action((options: EvidenceOptions) => answer(options, () => takeEvidence(options)));
}

/** @throws CannotRun when nothing answers or what came is not what was sent; VitaeProblem when the ledger refuses. */
export async function takeEvidence(options: EvidenceOptions): Promise<Outcome> {
  const { project, subject: subjects = [], stream: streams = [], asOf, out } = options;
  if (subjects.length + streams.length === 0) throw new CannotRun('name what the evidence is about: --subject or --stream.');
  const known = options.known === undefined ? undefined : sizeIn(await readText(options.known, 'the known checkpoint'), options.known);
  const point = asOf !== undefined && /^\d+$/.test(asOf) ? Number(asOf) : asOf;
  const progress = newProgress('receiving', options);
  try {
    const response = await callApi(options, `ledger/v1/projects/${encodeURIComponent(project)}/evidence`, { method: 'POST', reason: options.reason, body: { subjects, streams, asOf: point, known, recipient: options.for } });
    const bytes = await received(response, progress.update);
    progress.stop();
    const sha256 = createHash('sha256').update(bytes).digest();
    const digest = response.headers.get('repr-digest');
    if (digest !== `sha-256=:${sha256.toString('base64')}:`) throw new CannotRun('what arrived is not what was sent; nothing was written. Ask again.');
    await writeFile(out, bytes);
    const recorded = response.headers.get('location');
    return {
      ok: true,
      lines: [`${out}: ${bytes.length} bytes, SHA-256 ${sha256.toString('hex')}.`, `Recorded: ${recorded}`, `Check it anywhere: vitae verify ${out} --key <the log's key>`],
      json: { out, bytes: bytes.length, sha256: sha256.toString('hex'), recorded },
    };
  } finally {
    progress.stop();
  }
}

async function received(response: Response, update: (done: number, total: number) => void): Promise<Buffer> {
  const total = Number(response.headers.get('content-length') ?? 0);
  const chunks: Uint8Array[] = [];
  let done = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk);
    done += chunk.length;
    update(done, Math.max(total, done));
  }
  return Buffer.concat(chunks);
}

/** Only its size is needed here; whoever verifies looks at the signature. */
function sizeIn(note: string, where: string): number {
  try {
    return parseCheckpoint(note.slice(0, note.indexOf('\n\n') + 1)).size;
  } catch (cause) {
    throw new CannotRun(`${where} is not a checkpoint: ${(cause as Error).message}.`, { cause });
  }
}

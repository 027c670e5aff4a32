import { DigestMismatch, VitaeProblem, VitaeUnreachable } from '@vitae/client';
import type { Command } from 'commander';
import { credentialOf } from './credential.ts';
import { sayRefusal } from './refusal.ts';

/** What a command found. Exit code 0 when `ok`, else 1. */
export interface Outcome {
  readonly ok: boolean;
  /** What people read, on stdout. */
  readonly lines: readonly string[];
  /** What programs read with --json: the same findings as fields. `ok` is added. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Everything has been printed as it came. */
  readonly printed?: true;
  /** People are shown by what events call them: it is what was asked for. */
  readonly pseudonyms?: true;
}

/** Nothing could be found out: a wrong option, a file or a server that is not there. Exit code 2. */
export class CannotRun extends Error {
  override readonly name = 'CannotRun';
}

/** Something was found to be wrong, and nothing more can be said than the message. Exit code 1. */
export class ProblemFound extends Error {
  override readonly name = 'ProblemFound';
}

/** Every command has it. */
export function withJson(command: Command): Command {
  return command.option('--json', 'print the findings as one JSON object, and nothing else');
}

/**
 * Runs a command's work and answers: lines or JSON on stdout, a message on stderr when it failed, and the exit code.
 * What Vitae refused is a problem found. An error of another kind is told with its name and counts as "cannot run".
 */
export async function answer(options: { readonly json?: boolean; readonly url?: string }, work: () => Promise<Outcome>): Promise<void> {
  try {
    const { ok, lines, json, printed, pseudonyms } = await work();
    if (!printed) print(options.json ? [JSON.stringify({ ok, ...json })] : pseudonyms ? lines : await readable(options, lines));
    process.exitCode = ok ? 0 : 1;
  } catch (error) {
    const message = messageOf(error);
    if (options.json) print([JSON.stringify({ ok: false, error: message, ...problemIn(error) })]);
    else for (const line of await readable(options, [message])) process.stderr.write(`vitae: ${line}\n`);
    process.exitCode = error instanceof ProblemFound || error instanceof VitaeProblem || error instanceof DigestMismatch ? 1 : 2;
  }
}

/** With names in place of pseudonyms, where there are some and there is somebody to ask. */
async function readable({ url, ...options }: { readonly url?: string }, lines: readonly string[]): Promise<readonly string[]> {
  if (url === undefined || !lines.some((line) => line.includes('psn_'))) return lines;
  const { namesIn } = await import('./people.ts'); // only now: most commands name nobody
  return lines.map(await namesIn({ ...options, url }, lines));
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof VitaeProblem && error.reason === 'route-not-found') return `${error.message} Look at --url or VITAE_URL: it is the front door's address with /api behind it, such as http://127.0.0.1:7400/api.`;
  if (error instanceof VitaeProblem) return sayRefusal(error, credentialOf());
  if (error instanceof CannotRun || error instanceof ProblemFound || error instanceof DigestMismatch) return error.message;
  if (error instanceof VitaeUnreachable) return `${error.message}. Start Vitae with \`npm start\`, or name its front door with --url or VITAE_URL.`;
  const { code } = error as { code?: unknown };
  return `${error.name}: ${error.message || String(code)}`;
}

const problemIn = (error: unknown): object => (error instanceof VitaeProblem ? { reason: error.reason, status: error.status, ...(error.errors.length > 0 ? { errors: error.errors } : {}) } : {});

export function print(lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
}

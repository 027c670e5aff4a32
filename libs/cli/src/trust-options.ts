import { readFile } from 'node:fs/promises';
import { KeyInvalid, NoteInvalid, parsePolicy, parseVerifierKey, PolicyInvalid, type Policy, type VerifierKey } from '@vitae/transparency';
import { Option, type Command } from 'commander';
import { CannotRun } from './outcome.ts';

/** Whom the caller trusts: the options of every command that checks. */
export interface TrustOptions {
  /** Verifier keys or files of them, as given. */
  readonly key?: readonly string[];
  readonly origin?: string;
  /** File with a checkpoint kept elsewhere. */
  readonly known?: string;
}

/** Adds `--key`, `--origin` and, unless told, `--known`. */
export function withTrust(command: Command, { known = true } = {}): Command {
  command
    .addOption(
      new Option('--key <vkey or file>', "the log's verifier key, or a file with one a line; may be repeated. Get it from whom you trust, not from the log itself.")
        .argParser((value: string, before: readonly string[] = []) => [...before, value]),
    )
    .option('--origin <name>', "the log's name, when it is not the name of the first key");
  if (known) command.option('--known <file>', 'a checkpoint of the log that you kept elsewhere: shows whether the log was cut or rewritten since');
  return command;
}

/** The keys behind `--key`. @throws CannotRun when there is none, or one is neither a key nor a file of keys. */
export async function keysOf({ key = [] }: TrustOptions): Promise<readonly VerifierKey[]> {
  const keys = (await Promise.all(key.map(keysBehind))).flat();
  if (keys.length > 0) return keys;
  throw new CannotRun("without the log's key nothing can be trusted: whoever changes a log can sign it anew. Name the verifier key with --key <vkey or file>; get it from whom you trust, not from the log itself.");
}

/** The checkpoint behind `--known`, as text. */
export async function knownNote({ known }: TrustOptions): Promise<string | undefined> {
  return known === undefined ? undefined : readText(known, 'the known checkpoint');
}

/** @throws CannotRun when the file is not a C2SP tlog-policy. */
export async function readPolicy(path: string): Promise<Policy> {
  try {
    return parsePolicy(await readText(path, 'the policy'));
  } catch (error) {
    if (!(error instanceof PolicyInvalid)) throw error;
    throw new CannotRun(`${path}: ${error.message}`, { cause: error });
  }
}

/** Runs what opens a note that the caller named. @throws CannotRun instead of NoteInvalid. */
export function openedOrRefused<T>(what: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof NoteInvalid)) throw error;
    throw new CannotRun(`${what} cannot be used: ${error.message}`, { cause: error });
  }
}

export async function readText(path: string, what: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new CannotRun(`${what} ${path} cannot be read (${cause.code}).`, { cause });
  });
}

const KEY_SHAPE = /^[^+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/;

/** The keys in a text, one a line. @throws CannotRun when there is none, or a line is none. */
export function keysIn(text: string, where: string): VerifierKey[] {
  const lines = text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  if (lines.length === 0) throw new CannotRun(`${where} holds no key.`);
  try {
    return lines.map(parseVerifierKey);
  } catch (error) {
    if (!(error instanceof KeyInvalid)) throw error;
    throw new CannotRun(`${where}: ${error.message}.`, { cause: error });
  }
}

async function keysBehind(given: string): Promise<VerifierKey[]> {
  if (KEY_SHAPE.test(given)) return keysIn(given, '--key');
  const text = await readFile(given, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new CannotRun(`--key ${given} is neither a verifier key (<name>+<8 hexadecimal digits>+<base64>) nor a file that can be read (${cause.code}).`, { cause });
  });
  return keysIn(text, given);
}

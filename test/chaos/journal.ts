import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** One append as it is meant. */
export interface Meant {
  readonly stream: string;
  readonly expected: number | 'noStream' | 'exists' | 'any';
  /** The exact texts, in order. */
  readonly payloads: readonly string[];
}

/** Written down before anything is sent. */
export interface Intent {
  readonly attempt: string;
  /**
   * What has to be there as a whole, once, or not at all; it is the correlation id of its events. The attempt itself, or an
   * idempotency key: then several attempts, of several writers, mean the same.
   */
  readonly op: string;
  /** At most one for each stream. */
  readonly appends: readonly Meant[];
}

/** What was stored of one append, as the writer was told. */
export interface Stored {
  readonly ids: readonly string[];
  /** Revision of the first event. */
  readonly first: number;
}

/** Written down when the answer came. Without an answer nobody knows. */
export type Answer =
  | { readonly attempt: string; readonly outcome: 'stored'; readonly appends: readonly Stored[] }
  /** It was said that nothing is stored: a conflict, or the writer itself rolled it back. `actual`: the revision that a conflict named. */
  | { readonly attempt: string; readonly outcome: 'refused'; readonly why: string; readonly actual?: number }
  /** The connection broke. */
  | { readonly attempt: string; readonly outcome: 'unknown'; readonly why: string };

export type Line = Intent | Answer;

export const isAnswer = (line: Line): line is Answer => 'outcome' in line;

/** Adds a line in one write: what a process wrote so is there, however it ends. */
export function note(file: string, line: Line): void {
  appendFileSync(file, `${JSON.stringify(line)}\n`);
}

/** All that one writer wrote down, over all its lives, in order. */
export function readJournal(file: string): readonly Line[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').split('\n').filter((text) => text !== '').map((text) => JSON.parse(text) as Line);
}

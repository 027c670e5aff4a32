import { closeSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';

const kept = 3;

/** Opens a new log and moves the earlier ones on: `x.log` becomes `x.log.1`, up to `x.log.3`. Returns the open file. */
export function startLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  for (let age = kept; age > 0; age -= 1) {
    try {
      renameSync(age === 1 ? path : `${path}.${age - 1}`, `${path}.${age}`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return openSync(path, 'a');
}

/** Runs `use` with the log of a child open; the child keeps its own copy of the file. */
export function withLog<T>(file: number, use: (file: number) => T): T {
  try {
    return use(file);
  } finally {
    closeSync(file);
  }
}

/** The last lines of a log, to be shown in an error. Empty when there is no log. */
export function lastLines(path: string, lines = 12): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}

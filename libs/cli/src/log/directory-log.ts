import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CannotRun } from '../outcome.ts';

/** The files of a log by their path in the export, e.g. `tile/0/000`; undefined when there is none. */
export type ReadLogFile = (path: string) => Promise<Buffer | undefined>;

/** A log that was exported to a directory. Opens no socket. */
export function directoryLog(directory: string): ReadLogFile {
  return (path) =>
    readFile(join(directory, path)).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined;
      throw new CannotRun(`${join(directory, path)} cannot be read (${cause.code}).`, { cause });
    });
}

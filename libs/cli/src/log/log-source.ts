import { entriesPath, eventsPath, tilePath, type LogSource } from '@vitae/transparency';
import { CannotRun } from '../outcome.ts';
import type { ReadLogFile } from './directory-log.ts';

/** A log in files, wherever they lie. `where` is what messages call it. */
export function logSource(read: ReadLogFile, where: string): LogSource {
  return {
    async checkpoint() {
      const note = await read('checkpoint');
      if (!note) throw new CannotRun(`${where} is not a log: it has no file named checkpoint.`);
      return note.toString('utf8');
    },
    tile: (tile) => read(tilePath(tile)),
    entries: (index, width) => read(entriesPath(index, width)),
    events: (index, width) => read(eventsPath(index, width)),
  };
}

import { Refused, type Sql } from '@vitae/event-store';
import { MOST_FILES } from '../artefact/artefact-path.ts';
import { countFiles, filesInTheWay, type LoggedFile } from './logged-files.view.ts';

export type FileToLog = LoggedFile;

/** How many files a run or a logged model may have; a version that is registered of one takes at most MOST_FILES. */
const MOST_LOGGED = 20 * MOST_FILES;

/**
 * Whether a file is news. The owner MUST be locked.
 * @throws Refused PATH_CLASHES for a file where a directory is, or the other way round; FILES_TOO_MANY.
 */
export async function admitFile(sql: Sql, ownerId: string, { path, digest }: FileToLog): Promise<boolean> {
  const there = await filesInTheWay(sql, ownerId, path);
  const other = there.find((one) => one.path !== path);
  if (other) throw new Refused('PATH_CLASHES', `There cannot be a file at ${path}, because there is one at ${other.path}: one of the two would have to be a directory.`, 422);
  if (there[0]) return there[0].digest !== digest;
  if ((await countFiles(sql, ownerId)) >= MOST_LOGGED) throw new Refused('FILES_TOO_MANY', `There are ${MOST_LOGGED} files already, and more are not kept. Pack them into one.`, 422);
  return true;
}

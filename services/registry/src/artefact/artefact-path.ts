import { z } from 'zod';

/** How many files a version may have: its event must fit into a message of the broker. */
export const MOST_FILES = 512;

const RULE = 'A path lies within the artefact: relative, with forward slashes, without empty, . and .. steps, backslashes and control characters.';

/** Where a file lies in its artefact, exactly as signatures spell it. */
export const artefactPath = z
  .string()
  .min(1)
  .max(256)
  .refine((path) => path.isWellFormed() && !/[\\\p{Cc}]/u.test(path) && path.split('/').every((step) => step !== '' && step !== '.' && step !== '..'), RULE);

/**
 * Which of the paths cannot stand beside those before them: because they are the same, would be the same file on some
 * file system (other case, other Unicode form), or need a directory where there is a file.
 */
export function clashingPaths(paths: readonly string[]): readonly { readonly index: number; readonly problem: string }[] {
  const files = new Map<string, string>();
  const directories = new Map<string, string>();
  return paths.flatMap((path, index) => {
    const folded = fold(path);
    const above = parentsOf(folded);
    const other = files.get(folded) ?? directories.get(folded) ?? above.map((parent) => files.get(parent)).find((found) => found !== undefined);
    files.set(folded, path);
    for (const parent of above) directories.set(parent, path);
    if (other === undefined) return [];
    return [{ index, problem: other === path ? `There is a file at ${path} already.` : `${path} and ${other} cannot both be there: on some file systems they are one, or one lies in the other.` }];
  });
}

/** Upper case first: it joins what lower case alone keeps apart (ß and SS). */
const fold = (path: string): string => path.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');

function parentsOf(path: string): string[] {
  const steps = path.split('/');
  return steps.slice(1).map((_, i) => steps.slice(0, i + 1).join('/'));
}

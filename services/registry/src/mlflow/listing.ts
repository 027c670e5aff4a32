import { artefactPath } from '../artefact/artefact-path.ts';
import { invalid } from './mlflow-error.ts';

/** A file or directory as MLflow's artifact proxy lists it: its name, not its path. */
export interface Listed {
  readonly path: string;
  readonly is_dir: boolean;
  readonly file_size?: number;
}

/** What lies directly in a directory; the empty path is the root. A file has nothing in it. */
export function listed(files: readonly { readonly path: string; readonly sizeBytes: number }[], directory: string): readonly Listed[] {
  const root = directory.replace(/\/+$/, '');
  const inside = root === '' ? '' : `${root}/`;
  const found = new Map<string, Listed>();
  for (const { path, sizeBytes } of files) {
    if (!path.startsWith(inside)) continue;
    const [name = '', ...more] = path.slice(inside.length).split('/');
    found.set(name, more.length > 0 ? { path: name, is_dir: true } : { path: name, is_dir: false, file_size: sizeBytes });
  }
  return [...found.values()];
}

/** A directory that may be asked for; empty is all there is. @throws MlflowError for what leads out of it. */
export function listedPath(said: string): string {
  const path = said.replace(/\/+$/, '');
  return path === '' && !said.startsWith('/') ? '' : checkedPath(path);
}

/**
 * Where a file may lie. What is decoded once more elsewhere must not lead out either.
 * @throws MlflowError.
 */
export function checkedPath(path: string): string {
  if (!artefactPath.safeParse(path).success || /%(2e|2f|5c|00)/i.test(path) || /^[a-z][a-z0-9+.-]*:/i.test(path)) throw invalid(`Invalid path: ${path.slice(0, 200)}`);
  return path;
}

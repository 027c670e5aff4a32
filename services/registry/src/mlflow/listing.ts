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

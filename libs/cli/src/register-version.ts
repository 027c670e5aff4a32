import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join, relative, resolve, sep } from 'node:path';
import { digestOf, USUAL_RETRIES, type NewModelVersion } from '@vitae/client';
import { clientOf, saying, type ChangeOptions } from './in-project.ts';
import { CannotRun, type Outcome } from './outcome.ts';
import { newProgress } from './progress.ts';
import { bytes, plain } from './table.ts';

export interface RegisterVersionOptions extends ChangeOptions {
  readonly dataset: string;
  readonly repository: string;
  readonly commit: string;
  readonly main?: string;
  readonly sign?: string;
  readonly metric?: readonly (readonly [string, string])[];
  readonly contributor?: readonly string[];
  readonly tag?: readonly (readonly [string, string])[];
  readonly description?: string;
  readonly run?: string;
  readonly runLink?: string;
  readonly dryRun?: boolean;
}

/** A file that becomes part of a version. */
export interface LocalFile {
  /** Where it lies here. */
  readonly from: string;
  /** What it is called in the version. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** Uploads the files, each once and resumable, and registers them. */
export async function registerVersion(model: string, sources: readonly string[], options: RegisterVersionOptions): Promise<Outcome> {
  const { versions, datasets, models } = clientOf(options);
  const all = await localFiles(sources);
  const bundle = options.sign === undefined ? undefined : await bundleOf(options.sign, all);
  const files = all.filter(({ from }) => from !== bundle?.from);
  const main = mainOf(files, options.main);
  const trainingMetrics = metricsOf(options.metric ?? []);
  // What can be refused is refused before anything is sent.
  const [{ id: modelId, name }, datasetVersionId] = await Promise.all([models.get(model), datasets.versionId(options.dataset)]);
  if (options.dryRun) return dryRun(name, files, main, bundle);

  const digests = new Map<string, string>();
  for (const file of [...files, ...(bundle ? [bundle] : [])]) digests.set(file.from, await uploadFile(file, options));
  const digest = (file: LocalFile): string => digests.get(file.from) ?? '';
  const version: NewModelVersion = {
    artefact: {
      digest: digest(main),
      path: main.path,
      format: 'onnx',
      files: files.filter((file) => file !== main).map((file) => ({ path: file.path, digest: digest(file) })),
      ...(bundle ? { signature: { digest: digest(bundle), ...(bundle.inside ? { path: bundle.path } : {}) } } : {}),
    },
    datasetVersionId,
    source: { repository: options.repository, commit: options.commit },
    trainingMetrics,
    contributors: [...(options.contributor ?? [])],
    tags: (options.tag ?? []).map(([key, value]) => ({ key, value })),
    ...(options.description === undefined ? {} : { description: options.description }),
    ...(options.run === undefined ? {} : { runId: options.run }),
    ...(options.runLink === undefined ? {} : { runLink: options.runLink }),
  };
  const made = await versions.register(modelId, version, saying(options));
  return { ok: true, lines: [`${plain(name)}/${made.version} is registered`, `id      ${made.id}`, `digest  ${made.artefactDigest}`], json: { ...made } };
}

/** Uploads one file with a bar. Returns its digest. */
export async function uploadFile(file: LocalFile, options: ChangeOptions): Promise<string> {
  const progress = newProgress(`uploading ${plain(file.path)}`, options, process.stderr, 'bytes');
  const stopping = new AbortController();
  const stop = (): void => stopping.abort(new CannotRun('The upload was interrupted. The same command goes on where it was.'));
  process.on('SIGINT', stop); // on and not once: a library of the upload ends the process when it finds nobody else listening
  try {
    const { digest } = await clientOf(options, { retry: USUAL_RETRIES }).artefacts.upload(file.from, { memory: uploadsRemembered(), onProgress: progress.update, signal: stopping.signal });
    return digest;
  } finally {
    process.off('SIGINT', stop);
    progress.stop();
  }
}

/** Where interrupted uploads are remembered: in the user's state directory, as the XDG specification has it. */
export const uploadsRemembered = (): string => join(process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'vitae', 'uploads');

/** The files named, and all those in the directories named; no links are followed. */
export async function localFiles(sources: readonly string[]): Promise<readonly LocalFile[]> {
  const found: LocalFile[] = [];
  for (const source of sources) {
    const what = await stat(source).catch((cause: NodeJS.ErrnoException) => {
      throw new CannotRun(`${source} cannot be read (${cause.code}).`, { cause });
    });
    if (!what.isDirectory()) {
      found.push({ from: resolve(source), path: basename(source), sizeBytes: what.size });
      continue;
    }
    for (const entry of await readdir(source, { withFileTypes: true, recursive: true })) {
      const from = resolve(entry.parentPath, entry.name);
      if (entry.isSymbolicLink()) throw new CannotRun(`${from} is a symbolic link, and a version holds files only.`);
      if (entry.isFile()) found.push({ from, path: relative(resolve(source), from).split(sep).join('/'), sizeBytes: (await stat(from)).size });
    }
  }
  if (found.length === 0) throw new CannotRun(`There are no files in ${sources.join(', ')}.`);
  const twice = found.find(({ path }, n) => found.findIndex((other) => other.path === path) !== n);
  if (twice) throw new CannotRun(`Two files would be called ${twice.path}. Name the directory that holds both.`);
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The file that is opened as the model. @throws CannotRun when that is not clear. */
export function mainOf(files: readonly LocalFile[], named: string | undefined): LocalFile {
  if (named !== undefined) {
    const main = files.find(({ path }) => path === named);
    if (!main) throw new CannotRun(`--main ${named} is none of ${files.map(({ path }) => path).join(', ')}.`);
    return main;
  }
  const models = files.filter(({ path }) => path.toLowerCase().endsWith('.onnx'));
  const [only, another] = models;
  if (only && !another) return only;
  throw new CannotRun(only ? `Which file is opened as the model? Say --main ${models.map(({ path }) => path).join(' or --main ')}.` : 'None of the files ends with .onnx. Name the model with --main.');
}

async function bundleOf(path: string, files: readonly LocalFile[]): Promise<LocalFile & { readonly inside: boolean }> {
  const inside = files.find(({ from }) => from === resolve(path));
  const [bundle] = inside ? [inside] : await localFiles([path]);
  if (!bundle) throw new CannotRun(`${path} is no bundle.`);
  return { ...bundle, inside: inside !== undefined };
}

function metricsOf(pairs: readonly (readonly [string, string])[]): Record<string, number> {
  return Object.fromEntries(
    pairs.map(([name, text]) => {
      if (text.trim() === '' || !Number.isFinite(Number(text))) throw new CannotRun(`--metric ${name}=${text}: ${text} is not a number.`);
      return [name, Number(text)];
    }),
  );
}

async function dryRun(model: string, files: readonly LocalFile[], main: LocalFile, bundle: LocalFile | undefined): Promise<Outcome> {
  const told = await Promise.all([...files, ...(bundle ? [bundle] : [])].map(async (file) => ({ path: file.path, sizeBytes: file.sizeBytes, digest: await digestOf(file.from), as: file === main ? 'model' : file === bundle ? 'signature' : 'file' })));
  return {
    ok: true,
    lines: [`The next version of ${plain(model)} would have:`, ...told.map(({ path, sizeBytes, digest, as }) => `  ${as.padEnd(9)}  ${plain(path)}  ${bytes(sizeBytes)}  ${digest}`), 'Nothing was sent.'],
    json: { dryRun: true, model, files: told },
  };
}

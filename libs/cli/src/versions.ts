import { writeFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import type { BomFormat, ModelVersion } from '@vitae/client';
import { downloadVersion, type DownloadVersionOptions } from './download-version.ts';
import { clientOf, inProject, keyValue, repeated, saying, searchOf, withReason, withSearch, type ChangeOptions, type ProjectOptions, type SearchOptions } from './in-project.ts';
import { listed } from './listed.ts';
import { parseTags } from './models.ts';
import { answer, CannotRun, type Outcome } from './outcome.ts';
import { registerVersion, type RegisterVersionOptions } from './register-version.ts';
import { bytes, counted, details, minute, plain, type Column } from './table.ts';
import { confirm, paint, stateStyle } from './terminal.ts';

interface ListOptions extends SearchOptions {
  readonly model?: string;
}
interface TagOptions extends ChangeOptions {
  readonly remove?: readonly string[];
}
interface DeprecateOptions extends ChangeOptions {
  readonly successor?: string;
  readonly lift?: boolean;
}
interface EndOptions extends ChangeOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}
interface CardOptions extends ChangeOptions {
  readonly revision?: 'newest' | 'published';
  readonly draft?: boolean;
  readonly out?: string;
}
interface BomOptions extends ProjectOptions {
  readonly format: BomFormat;
  readonly spec?: '1.6' | '1.7';
  readonly out?: string;
}

/** `vitae versions …`: what was trained, with its bytes and its evidence. */
export function registerVersions(program: Command): void {
  const versions = program
    .command('versions')
    .summary('the versions of models')
    .description('Versions of models: files, data, code, and what became of them. One is named by its id, by model/number, by model@alias, or by the model alone for the newest.');
  const sub = (name: string, summary: string): Command => inProject(versions.command(name).summary(summary).description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`));
  const ofVersion = (name: string, summary: string): Command => sub(name, summary).argument('<version>', 'such as credit/3 or credit@champion');

  withSearch(sub('list', 'list versions, of one model or of all').argument('[model]', 'its name or id'), { sorts: 'version DESC' })
    .addHelpText('after', '\nExamples:\n  $ vitae versions list credit --order-by "version DESC"\n  $ vitae versions list --filter "tags.team = \'risk\'"')
    .action((model: string | undefined, options: SearchOptions) => answer(options, () => list({ ...options, ...(model === undefined ? {} : { model }) })));
  ofVersion('show', 'show a version').action((version: string, options: ProjectOptions) => answer(options, () => show(version, options)));
  withReason(sub('register', 'upload files and register them as the next version of a model').argument('<model>', 'its name or id').argument('<files...>', 'files, or one directory with all of them'))
    .requiredOption('--dataset <dataset-version>', 'what it was trained on: an id, or such as applicants/1')
    .requiredOption('--repository <url>', 'where its code lies')
    .requiredOption('--commit <sha>', 'the commit that trained it')
    .option('--main <path>', 'the file that is opened as the model; needed when there are several .onnx files')
    .option('--sign <bundle>', 'a bundle of OpenSSF Model Signing over the files')
    .option('--metric <name=value>', 'measured while training; may be repeated', keyValue)
    .option('--contributor <actor>', 'who else built it; may be repeated', repeated)
    .option('--tag <key=value>', 'a note; may be repeated', keyValue)
    .option('--description <text>', 'what one should know of it')
    .option('--run <id>', 'the training run')
    .option('--run-link <url>', 'where that run can be looked at')
    .option('--dry-run', 'only say what would be uploaded and registered')
    .addHelpText('after', '\nExample:\n  $ vitae versions register credit ./model --dataset applicants/1 --repository https://git.example/credit --commit 1f3c9d2 --sign model.sig\nAn upload that was interrupted goes on where it was when the same command is given again.')
    .action((model: string, files: readonly string[], options: RegisterVersionOptions) => answer(options, () => registerVersion(model, files, options)));
  ofVersion('download', 'fetch the files of a version, proven against their digests')
    .option('--to <directory>', 'where to; a directory with the name of the version unless told')
    .option('--file <path>', 'only this file; may be repeated', repeated)
    .option('--force', 'replace files that are there and differ')
    .addHelpText('after', '\nA download that was interrupted goes on where it was when the same command is given again.')
    .action((version: string, options: DownloadVersionOptions) => answer(options, () => downloadVersion(version, options)));
  withReason(ofVersion('describe', 'say what one should know of a version').argument('<text>', 'the description')).action((version: string, text: string, options: ChangeOptions) => answer(options, () => describe(version, text, options)));
  withReason(ofVersion('tag', 'set or remove notes').argument('[key=value...]', 'what to set'))
    .option('--remove <key...>', 'what to remove')
    .action((version: string, tags: readonly string[], options: TagOptions) => answer(options, () => tag(version, tags, options)));
  withReason(ofVersion('deprecate', 'say that a version should not be used for new things').argument('[why]', 'what its users are told'))
    .option('--successor <version>', 'what to use instead')
    .option('--lift', 'take it back')
    .action((version: string, why: string | undefined, options: DeprecateOptions) => answer(options, () => deprecate(version, why, options)));
  const ending = (command: Command): Command => withReason(command).option('--yes', 'do not ask').option('--dry-run', 'only say what would be done');
  ending(ofVersion('delete', 'hide a version; restore brings it back')).action((version: string, options: EndOptions) => answer(options, () => remove(version, options)));
  withReason(sub('restore', 'bring a deleted version back').argument('<version>', 'its id, or such as credit/3')).action((id: string, options: ChangeOptions) => answer(options, () => restore(id, options)));
  ending(sub('purge', 'remove the bytes of a retired or deleted version, for ever; its history stays').argument('<version>', 'its id, or such as credit/3')).action((version: string, options: EndOptions) => answer(options, () => purge(version, options)));
  withReason(ofVersion('card', "print a version's model card, as Hugging Face's README.md"))
    .addOption(new Option('--revision <which>', 'which one').choices(['newest', 'published']).default('published'))
    .option('--draft', 'draft the first one out of what is known')
    .option('--out <file>', 'write it there')
    .action((version: string, options: CardOptions) => answer(options, () => card(version, options)));
  ofVersion('bom', 'print the bill of materials of a version')
    .addOption(new Option('--format <format>', 'whose').choices(['cyclonedx', 'spdx']).default('cyclonedx'))
    .addOption(new Option('--spec <version>', 'of CycloneDX').choices(['1.6', '1.7']))
    .option('--out <file>', 'write it there')
    .action((version: string, options: BomOptions) => answer(options, () => bom(version, options)));
}

const stateOf = ({ deletedAt, state }: ModelVersion): string => (deletedAt === null ? state : 'deleted');
const nameOf = ({ modelName, version }: Pick<ModelVersion, 'modelName' | 'version'>): string => `${modelName}/${version}`;

const COLUMNS: readonly Column<ModelVersion>[] = [
  { head: 'VERSION', of: nameOf, paint: (text) => paint('bold', text) },
  { head: 'STATE', of: stateOf, paint: (text, version) => paint(stateStyle(stateOf(version)), text) },
  { head: 'ALIASES', of: ({ aliases }) => aliases.join(' ') },
  { head: 'FILES', of: ({ files }) => files.length, right: true, spare: true },
  { head: 'REGISTERED', of: ({ registeredAt }) => minute(registeredAt), spare: true },
  { head: 'BY', of: ({ registeredBy }) => registeredBy, spare: true },
  { head: 'ID', of: ({ id }) => id, spare: true },
];

function list(options: ListOptions): Promise<Outcome> {
  const { versions } = clientOf(options);
  const search = { ...searchOf(options), ...(options.model === undefined ? {} : { model: options.model }) };
  return listed(options, COLUMNS, { none: `There are no such versions${options.model === undefined ? '' : ` of ${plain(options.model)}`}.`, page: (limit) => versions.page({ ...search, limit }), all: () => versions.list({ ...search, limit: 200 }) });
}

async function show(named: string, options: ProjectOptions): Promise<Outcome> {
  const version = await clientOf(options).versions.get(named);
  const tensor = ({ name, datatype, shape }: ModelVersion['inputs'][number]): string => `${name} ${datatype} [${shape.join(', ')}]`;
  const lines = [
    `${paint('bold', plain(nameOf(version)))}  ${paint(stateStyle(stateOf(version)), stateOf(version))}`,
    ...details([
      ['id', version.id],
      ['model', version.modelId],
      ['aliases', version.aliases.join(', ')],
      ['description', version.description],
      ['tags', Object.entries(version.tags).sort().map(([key, value]) => `${key}=${value}`).join('\n')],
      ['digest', version.artefactDigest],
      ['files', version.files.map(({ path, sizeBytes, flags }) => `${path}  ${bytes(sizeBytes)}${flags?.length ? `  ${flags.join(', ')}` : ''}`).join('\n')],
      ['inputs', version.inputs.map(tensor).join('\n')],
      ['outputs', version.outputs.map(tensor).join('\n')],
      ['dataset', version.datasetQuarantined ? `${version.datasetVersionId}  IN QUARANTINE, or made of data that are` : version.datasetVersionId],
      ['code', version.source.commit === '' ? undefined : `${version.source.repository} at ${version.source.commit}`],
      ['run', version.runId],
      ['measured', Object.entries(version.trainingMetrics).map(([name, value]) => `${name} ${value}`).join('\n')],
      ['built by', version.contributors.join(', ')],
      ['missing', version.evidenceMissing.join(', ')],
      ['deprecated', version.deprecation ? `${minute(version.deprecation.at)} by ${version.deprecation.by}: ${version.deprecation.reason}` : undefined],
      ['registered', `${minute(version.registeredAt)} by ${version.registeredBy}`],
    ], (text) => paint('dim', text)),
  ];
  return { ok: true, lines, json: { ...version } };
}

async function describe(version: string, text: string, options: ChangeOptions): Promise<Outcome> {
  return { ok: true, lines: [`${plain(version)} is described`], json: { ...(await clientOf(options).versions.describe(version, text, saying(options))) } };
}

async function tag(named: string, tags: readonly string[], options: TagOptions): Promise<Outcome> {
  const wanted = parseTags(tags);
  const gone = options.remove ?? [];
  if (wanted.length + gone.length === 0) throw new CannotRun('Say what to set, as key=value, or what to remove with --remove.');
  const { versions } = clientOf(options);
  const { id } = await versions.get(named);
  for (const [key, value] of wanted) await versions.tag(id, key, value, saying(options));
  for (const key of gone) await versions.removeTag(id, key, saying(options));
  return { ok: true, lines: [...wanted.map(([key, value]) => `${plain(key)} = ${plain(value)}`), ...gone.map((key) => `${plain(key)} is removed`)], json: { id, set: Object.fromEntries(wanted), removed: gone } };
}

async function deprecate(version: string, why: string | undefined, options: DeprecateOptions): Promise<Outcome> {
  const { versions } = clientOf(options);
  if (options.lift) return { ok: true, lines: [`${plain(version)} is no longer deprecated`], json: { ...(await versions.liftDeprecation(version, saying(options))) } };
  if (why === undefined) throw new CannotRun('Say why: its users are told.');
  return { ok: true, lines: [`${plain(version)} is deprecated`], json: { ...(await versions.deprecate(version, { reason: why, successor: options.successor }, saying(options))) } };
}

async function remove(named: string, options: EndOptions): Promise<Outcome> {
  const { versions } = clientOf(options);
  const version = await versions.get(named);
  const what = `This hides ${plain(nameOf(version))}${version.aliases.length === 0 ? '' : `, which loses its ${version.aliases.length === 1 ? 'alias' : 'aliases'} ${version.aliases.join(', ')}`}.`;
  if (options.dryRun) return { ok: true, lines: [what, 'Nothing was done.'], json: { id: version.id, deleted: false, dryRun: true } };
  await confirm(what, options);
  const done = await versions.delete(version.id, saying(options));
  return { ok: true, lines: [`${plain(nameOf(version))} is deleted. Bring it back with: vitae versions restore ${version.id}`], json: { ...done } };
}

async function restore(id: string, options: ChangeOptions): Promise<Outcome> {
  return { ok: true, lines: [`${plain(id)} is back`], json: { ...(await clientOf(options).versions.restore(id, saying(options))) } };
}

async function purge(named: string, options: EndOptions): Promise<Outcome> {
  const { versions } = clientOf(options);
  const version = await versions.get(named, 'show');
  const size = version.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const what = `This removes ${counted(version.files.length, 'file')} of ${plain(nameOf(version))} (${bytes(size)}), for ever; only what something else still has stays.`;
  if (options.dryRun) return { ok: true, lines: [what, 'Nothing was done.'], json: { id: version.id, purged: false, dryRun: true } };
  await confirm(what, options);
  const done = await versions.purge(version.id, saying(options));
  return { ok: true, lines: [`${plain(nameOf(version))} is purged: its bytes go within moments, its history stays`], json: { ...done } };
}

async function card(version: string, options: CardOptions): Promise<Outcome> {
  const { versions } = clientOf(options);
  if (options.draft) {
    const drafted = await versions.draftCard(version, saying(options));
    return { ok: true, lines: [`${plain(version)} has a card: revision ${drafted.cardRevision}, ${drafted.stage}`, `Read it: vitae versions card ${version} --revision newest`], json: { ...drafted } };
  }
  if (options.json) return { ok: true, lines: [], json: { ...(await versions.card(version, options.revision)) } };
  return written(await versions.cardText(version, options.revision), options.out, {});
}

async function bom(version: string, options: BomOptions): Promise<Outcome> {
  const text = await clientOf(options).versions.bom(version, options.format, options.spec);
  return written(text, options.out, { format: options.format, document: JSON.parse(text) as unknown });
}

async function written(text: string, out: string | undefined, json: Readonly<Record<string, unknown>>): Promise<Outcome> {
  if (out === undefined) return { ok: true, lines: [text.trimEnd()], json };
  await writeFile(out, text).catch((cause: NodeJS.ErrnoException) => {
    throw new CannotRun(`${out} cannot be written (${cause.code}).`, { cause });
  });
  return { ok: true, lines: [`${out}: ${bytes(Buffer.byteLength(text))}`], json: { ...json, out } };
}

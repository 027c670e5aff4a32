import type { Command } from 'commander';
import type { Model } from '@vitae/client';
import { clientOf, inProject, keyValue, saying, searchOf, withReason, withSearch, type ChangeOptions, type ProjectOptions, type SearchOptions } from './in-project.ts';
import { listed } from './listed.ts';
import { answer, CannotRun, type Outcome } from './outcome.ts';
import { details, minute, plain, type Column } from './table.ts';
import { confirm, paint, stateStyle } from './terminal.ts';

interface RegisterOptions extends ChangeOptions {
  readonly task: string;
  readonly useCase: string;
  readonly description?: string;
  readonly tag?: readonly (readonly [string, string])[];
}
interface DescribeOptions extends ChangeOptions {
  readonly name?: string;
}
interface AliasOptions extends ChangeOptions {
  readonly remove?: boolean;
  readonly protect?: readonly string[];
  readonly unprotect?: boolean;
}
interface TagOptions extends ChangeOptions {
  readonly remove?: readonly string[];
}
interface DeprecateOptions extends ChangeOptions {
  readonly successor?: string;
  readonly lift?: boolean;
}
interface DeleteOptions extends ChangeOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

/** `vitae models …`: what there is, and the names and notes of it. */
export function registerModels(program: Command): void {
  const models = program.command('models').summary('the models of a project').description('Models: a name, a task, a use case, and versions. A model is named by its name or its id.');
  const sub = (name: string, summary: string): Command => inProject(models.command(name).summary(summary).description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`));
  const ofModel = (name: string, summary: string): Command => sub(name, summary).argument('<model>', 'its name or id');

  withSearch(sub('list', 'list the models'), { sorts: 'updatedAt DESC, name' })
    .addHelpText('after', `\nExamples:\n  $ vitae models list --project credit --order-by "updatedAt DESC"\n  $ vitae models list --all --json | jq -r .name`)
    .action((options: SearchOptions) => answer(options, () => list(options)));
  withSearch(sub('search', 'list the models that a filter finds').argument('<filter>', `such as "tags.team = 'risk' AND alias = 'champion'"`), { sorts: 'updatedAt DESC, name' }).action((filter: string, options: SearchOptions) =>
    answer(options, () => list({ ...options, filter })),
  );
  ofModel('show', 'show a model').action((model: string, options: ProjectOptions) => answer(options, () => show(model, options)));
  withReason(sub('register', 'register a model').argument('<name>', 'its name'))
    .requiredOption('--task <task>', 'what it does, such as binary-classification')
    .requiredOption('--use-case <id>', 'the use case that asked for it')
    .option('--description <text>', 'what one should know of it')
    .option('--tag <key=value>', 'a note; may be repeated', keyValue)
    .action((name: string, options: RegisterOptions) => answer(options, () => register(name, options)));
  withReason(ofModel('describe', 'say what one should know of a model').argument('[text]', 'the description'))
    .option('--name <name>', 'give it another name')
    .action((model: string, text: string | undefined, options: DescribeOptions) => answer(options, () => describe(model, text, options)));
  withReason(ofModel('tag', 'set or remove notes').argument('[key=value...]', 'what to set'))
    .option('--remove <key...>', 'what to remove')
    .action((model: string, tags: readonly string[], options: TagOptions) => answer(options, () => tag(model, tags, options)));
  withReason(ofModel('alias', 'let an alias name a version').argument('<alias>', 'such as champion').argument('[version]', 'its number'))
    .option('--remove', 'take the alias away')
    .option('--protect <actor...>', 'only these may move it from now on')
    .option('--unprotect', 'let everybody move it again')
    .addHelpText('after', '\nExample:\n  $ vitae models alias credit-risk champion 4 --reason "won the comparison"')
    .action((model: string, alias: string, version: string | undefined, options: AliasOptions) => answer(options, () => assign(model, alias, version, options)));
  withReason(ofModel('deprecate', 'say that a model should not be used for new things').argument('[why]', 'what its users are told'))
    .option('--successor <model>', 'what to use instead')
    .option('--lift', 'take it back')
    .action((model: string, why: string | undefined, options: DeprecateOptions) => answer(options, () => deprecate(model, why, options)));
  withReason(ofModel('delete', 'hide a model and its versions; restore brings it back'))
    .option('--yes', 'do not ask')
    .option('--dry-run', 'only say what would be hidden')
    .action((model: string, options: DeleteOptions) => answer(options, () => remove(model, options)));
  withReason(ofModel('restore', 'bring a deleted model back')).action((model: string, options: ChangeOptions) => answer(options, () => restore(model, options)));
}

const stateOf = ({ deletedAt, state }: Model): string => (deletedAt === null ? state : 'deleted');
const newestOf = ({ latestVersions }: Model): number | undefined => (latestVersions.length === 0 ? undefined : Math.max(...latestVersions.map(({ version }) => version)));
const aliasesOf = ({ aliases }: Model): string => Object.entries(aliases).sort().map(([alias, version]) => `${alias}=${version}`).join(' ');
const tagsOf = (tags: Readonly<Record<string, string>>): string => Object.entries(tags).sort().map(([key, value]) => `${key}=${value}`).join('\n');

const COLUMNS: readonly Column<Model>[] = [
  { head: 'NAME', of: ({ name }) => name, paint: (text) => paint('bold', text) },
  { head: 'NEWEST', of: newestOf, right: true },
  { head: 'ALIASES', of: aliasesOf },
  { head: 'STATE', of: stateOf, paint: (text, model) => paint(stateStyle(stateOf(model)), text) },
  { head: 'TASK', of: ({ task }) => task, spare: true },
  { head: 'UPDATED', of: ({ updatedAt }) => minute(updatedAt), spare: true },
  { head: 'ID', of: ({ id }) => id, spare: true },
];

function list(options: SearchOptions): Promise<Outcome> {
  const { models } = clientOf(options);
  return listed(options, COLUMNS, { none: `There are no such models in project ${options.project}.`, page: (limit) => models.page({ ...searchOf(options), limit }), all: () => models.list({ ...searchOf(options), limit: 200 }) });
}

async function show(name: string, options: ProjectOptions): Promise<Outcome> {
  const model = await clientOf(options).models.get(name);
  const guarded = Object.entries(model.protectedAliases).map(([alias, allowed]) => `${alias}: only ${allowed.join(', ')}`);
  const lines = [
    `${paint('bold', plain(model.name))}  ${paint(stateStyle(stateOf(model)), stateOf(model))}`,
    ...details([
      ['id', model.id],
      ['task', model.task],
      ['use case', model.useCaseId],
      ['description', model.description],
      ['tags', tagsOf(model.tags)],
      ['aliases', Object.entries(model.aliases).sort().map(([alias, version]) => `${alias} → ${version}`).join('\n')],
      ['protected', guarded.join('\n')],
      ['newest', model.latestVersions.map(({ version, state }) => `${version} ${state}`).join('\n')],
      ['deprecated', model.deprecation ? `${minute(model.deprecation.at)} by ${model.deprecation.by}: ${model.deprecation.reason}` : undefined],
      ['successor', model.deprecation?.successorId],
      ['registered', `${minute(model.registeredAt)} by ${model.registeredBy}`],
      ['updated', minute(model.updatedAt)],
    ], (text) => paint('dim', text)),
  ];
  return { ok: true, lines, json: { ...model } };
}

async function register(name: string, options: RegisterOptions): Promise<Outcome> {
  const { task, useCase, description, tag: tags = [] } = options;
  const made = await clientOf(options).models.register({ name, task, useCaseId: useCase, ...(description === undefined ? {} : { description }), tags: tags.map(([key, value]) => ({ key, value })) }, saying(options));
  return { ok: true, lines: [`model ${plain(made.name)} is registered`, `id  ${made.id}`, `Register a version: vitae versions register ${quotedName(made.name)} <files> --dataset <name/number>`], json: { ...made } };
}

async function describe(model: string, text: string | undefined, options: DescribeOptions): Promise<Outcome> {
  if (text === undefined && options.name === undefined) throw new CannotRun('Say what one should know of it, or another name with --name.');
  const { models } = clientOf(options);
  const id = (await models.get(model)).id;
  const described = text === undefined ? undefined : await models.describe(id, text, saying(options));
  const named = options.name === undefined ? undefined : await models.rename(id, options.name, saying(options));
  return { ok: true, lines: [...(described ? [`${plain(model)} is described`] : []), ...(named ? [`${plain(model)} is called ${plain(named.name)} now`] : [])], json: { ...described, ...named } };
}

async function tag(model: string, tags: readonly string[], options: TagOptions): Promise<Outcome> {
  const wanted = parseTags(tags);
  const gone = options.remove ?? [];
  if (wanted.length + gone.length === 0) throw new CannotRun('Say what to set, as key=value, or what to remove with --remove.');
  const { models } = clientOf(options);
  const { id } = await models.get(model);
  for (const [key, value] of wanted) await models.tag(id, key, value, saying(options));
  for (const key of gone) await models.removeTag(id, key, saying(options));
  return { ok: true, lines: [...wanted.map(([key, value]) => `${plain(key)} = ${plain(value)}`), ...gone.map((key) => `${plain(key)} is removed`)], json: { id, set: Object.fromEntries(wanted), removed: gone } };
}

/** Of arguments, all before the first is sent. */
export function parseTags(tags: readonly string[]): (readonly [string, string])[] {
  return tags.map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw new CannotRun(`${text} is not key=value. To remove a tag: --remove ${text}.`);
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
}

async function assign(model: string, alias: string, version: string | undefined, options: AliasOptions): Promise<Outcome> {
  const wishes = [version !== undefined, options.remove, options.unprotect].filter(Boolean).length;
  if (wishes > 1 || (wishes === 0 && !options.protect)) throw new CannotRun('Say the number of a version, or --remove, or --protect or --unprotect.');
  if (version !== undefined && !/^[1-9]\d{0,8}$/.test(version)) throw new CannotRun(`${version} is not the number of a version.`);
  const { models } = clientOf(options);
  const { id, name } = await models.get(model);
  const of = `${alias} of ${plain(name)}`;
  if (options.remove) return { ok: true, lines: [`${of} is removed`], json: { ...(await models.removeAlias(id, alias, saying(options))) } };
  if (options.unprotect) return { ok: true, lines: [`${of} may be moved by everybody`], json: { ...(await models.liftAliasProtection(id, alias, saying(options))) } };
  const moved = version === undefined ? undefined : await models.assignAlias(id, alias, Number(version), saying(options));
  const guarded = options.protect ? await models.protectAlias(id, alias, options.protect, saying(options)) : undefined;
  const before = moved?.previousVersion === undefined || moved.previousVersion === null ? '' : moved.previousVersion === moved.version ? ', as before' : `; it was ${moved.previousVersion}`;
  return { ok: true, lines: [...(moved ? [`${of} is version ${moved.version}${before}`] : []), ...(guarded ? [`${of} is moved by ${guarded.allowed.join(', ')} only`] : [])], json: { ...moved, ...guarded } };
}

async function deprecate(model: string, why: string | undefined, options: DeprecateOptions): Promise<Outcome> {
  const { models } = clientOf(options);
  if (options.lift) return { ok: true, lines: [`${plain(model)} is active again`], json: { ...(await models.liftDeprecation(model, saying(options))) } };
  if (why === undefined) throw new CannotRun('Say why: its users are told.');
  return { ok: true, lines: [`${plain(model)} is deprecated`], json: { ...(await models.deprecate(model, { reason: why, successor: options.successor }, saying(options))) } };
}

async function remove(model: string, options: DeleteOptions): Promise<Outcome> {
  const { models } = clientOf(options);
  const { id, name, latestVersions, aliases } = await models.get(model);
  const newest = Math.max(0, ...latestVersions.map(({ version }) => version));
  const what = `This hides the model ${plain(name)} with its versions${newest === 0 ? '' : ` up to ${newest}`}${Object.keys(aliases).length === 0 ? '' : ` and aliases ${Object.keys(aliases).join(', ')}`}.`;
  if (options.dryRun) return { ok: true, lines: [what, 'Nothing was done.'], json: { id, name, deleted: false, dryRun: true } };
  await confirm(what, options);
  const done = await models.delete(id, saying(options));
  return { ok: true, lines: [`${plain(name)} is deleted. Bring it back with: vitae models restore ${id}`], json: { ...done } };
}

async function restore(model: string, options: ChangeOptions): Promise<Outcome> {
  return { ok: true, lines: [`${plain(model)} is back`], json: { ...(await clientOf(options).models.restore(model, saying(options))) } };
}

/** A name as a shell takes it. */
export const quotedName = (name: string): string => (/^[\w./@+-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`);

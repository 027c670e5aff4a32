import { Option, type Command } from 'commander';
import type { Comparison, Evaluation, InvalidationCause } from '@vitae/client';
import { clientOf, inProject, saying, wholeNumber, withReason, type ChangeOptions, type ProjectOptions } from './in-project.ts';
import { listed } from './listed.ts';
import { answer, CannotRun, type Outcome } from './outcome.ts';
import { details, minute, plain, table, type Column } from './table.ts';
import { paint, sheet } from './terminal.ts';

interface RunOptions extends ChangeOptions {
  readonly dataset?: string;
  readonly split?: string;
  readonly suite?: string;
  readonly compareWith?: string;
}
interface ListOptions extends ProjectOptions {
  readonly limit: number;
  readonly all?: boolean;
}
interface CompareOptions extends ChangeOptions {
  readonly dataset: string;
  readonly split?: string;
}
interface InvalidateOptions extends ChangeOptions {
  readonly cause: InvalidationCause;
}

/** `vitae evaluations …`: how good a version is, and for whom. */
export function registerEvaluations(program: Command): void {
  const evaluations = program.command('evaluations').summary('how good versions are, and for whom').description('Evaluations: the registry runs a version on rows and measures it; by group, too, and beside other versions.');
  const sub = (name: string, summary: string): Command => inProject(evaluations.command(name).summary(summary).description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`));
  const onRows = (command: Command): Command => command.option('--split <name>', 'only these rows; all without');

  onRows(withReason(sub('run', 'run a version on rows, and measure it').argument('<version>', 'such as credit/3 or credit@champion')))
    .option('--dataset <dataset-version>', 'on which data: an id, or such as applicants/1')
    .option('--suite <id>', 'by which evaluation suite')
    .option('--compare-with <version>', 'a second version, on the same rows')
    .addHelpText('after', '\nExample:\n  $ vitae evaluations run credit/3 --dataset applicants/1 --split test --compare-with credit@champion')
    .action((version: string, options: RunOptions) => answer(options, () => run(version, options)));
  sub('list', 'list the evaluations of a version, oldest first')
    .argument('<version>', 'such as credit/3')
    .option('--limit <n>', 'how many', wholeNumber(1, 200), 50)
    .option('--all', 'every one, however many; with --json a line each, as they come')
    .action((version: string, options: ListOptions) => answer(options, () => list(version, options)));
  sub('show', 'show an evaluation').argument('<id>', 'its id').action((id: string, options: ProjectOptions) => answer(options, () => show(id, options)));
  onRows(withReason(sub('compare', 'measure versions side by side, and say which differences are more than chance').argument('<baseline>', 'what the others are held against').argument('<version...>', 'the others, at most 4')))
    .requiredOption('--dataset <dataset-version>', 'on which data: an id, or such as applicants/1')
    .addHelpText('after', '\nExample:\n  $ vitae evaluations compare credit@champion credit/3 --dataset applicants/1 --split test')
    .action((baseline: string, others: readonly string[], options: CompareOptions) => answer(options, () => compare([baseline, ...others], options)));
  withReason(sub('invalidate', 'say that an evaluation is evidence no more').argument('<id>', 'its id').argument('<why>', 'what was wrong'))
    .addOption(new Option('--cause <cause>', 'what kind of wrong').choices(['wrong-data', 'wrong-labels', 'leakage', 'faulty-run', 'other'] satisfies InvalidationCause[]).makeOptionMandatory())
    .action((id: string, why: string, options: InvalidateOptions) => answer(options, () => invalidate(id, why, options)));
}

const number = (value: number): string => (Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4))));
const interval = ({ lower, upper }: { readonly lower?: number; readonly upper?: number }): string => (lower === undefined || upper === undefined ? '' : `${number(lower)} to ${number(upper)}`);
const stateOf = ({ invalidatedAt, source }: Evaluation): string => (invalidatedAt === null || invalidatedAt === undefined ? source : 'invalid');
const standing = ({ metrics }: Evaluation): string => metrics.slice(0, 3).map(({ name, value }) => `${name} ${number(value)}`).join(', ');

const COLUMNS: readonly Column<Evaluation>[] = [
  { head: 'ID', of: ({ id }) => id },
  { head: 'STATE', of: stateOf, paint: (text, evaluation) => (stateOf(evaluation) === 'invalid' ? paint('red', text) : text) },
  { head: 'SPLIT', of: ({ split }) => split || 'all rows' },
  { head: 'ROWS', of: ({ rowCount }) => rowCount, right: true },
  { head: 'MEASURED', of: standing },
  { head: 'SUITE', of: ({ suite }) => (suite ? `${suite.name} ${suite.verdict}` : ''), spare: true },
  { head: 'RECORDED', of: ({ recordedAt }) => minute(recordedAt), spare: true },
  { head: 'BY', of: ({ recordedBy }) => recordedBy, spare: true },
];

function list(version: string, options: ListOptions): Promise<Outcome> {
  const { evaluations } = clientOf(options);
  return listed(options, COLUMNS, { none: `${plain(version)} was never evaluated.`, page: (limit) => evaluations.page(version, { limit }), all: () => evaluations.list(version, { limit: 200 }) });
}

async function run(version: string, options: RunOptions): Promise<Outcome> {
  if (options.dataset === undefined && options.suite === undefined) throw new CannotRun('On which data? Say --dataset, or --suite.');
  const { dataset, split, suite, compareWith } = options;
  return shown(await clientOf(options).evaluations.run(version, { dataset, split, suite, compareWith }, saying(options)));
}

async function show(id: string, options: ProjectOptions): Promise<Outcome> {
  return shown(await clientOf(options).evaluations.get(id));
}

/** Exit code 1 when a suite judged it and it did not pass: a pipeline stops there. */
function shown(evaluation: Evaluation): Outcome {
  const { metrics, groups, comparison, suite } = evaluation;
  const lines = [
    `${paint('bold', `version ${evaluation.version}`)} on ${evaluation.split === '' ? 'all rows' : plain(evaluation.split)}, ${evaluation.rowCount} rows  ${stateOf(evaluation)}`,
    ...details([
      ['id', evaluation.id],
      ['dataset', evaluation.datasetVersionId],
      ['recorded', `${minute(evaluation.recordedAt)} by ${evaluation.recordedBy}`],
      ['invalid', evaluation.invalidatedBecause === null || evaluation.invalidatedBecause === undefined ? undefined : `${evaluation.invalidationCause}, by ${evaluation.invalidatedBy}: ${evaluation.invalidatedBecause}`],
      ['suite', suite ? `${suite.name}: ${suite.verdict}` : undefined],
    ], (text) => paint('dim', text)),
    ...table([{ head: 'METRIC', of: ({ name }) => name }, { head: 'VALUE', of: ({ value }) => number(value), right: true }, { head: '95 %', of: interval }], metrics, sheet()),
    ...table(
      [{ head: 'GROUP', of: ({ attribute, group }) => `${attribute}=${group}` }, { head: 'ROWS', of: ({ rowCount }) => rowCount, right: true }, { head: 'MEASURED', of: ({ metrics: of }) => of.map(({ name, value }) => `${name} ${number(value)}`).join(', ') }],
      groups,
      sheet(),
    ),
    ...table(
      [{ head: 'JUDGED', of: ({ threshold }) => `${threshold.metric}${threshold.slice === '' ? '' : ` of ${threshold.slice}`} ${threshold.op} ${number(threshold.value)}` }, { head: 'OUTCOME', of: ({ outcome }) => outcome, paint: (text, { outcome }) => paint(outcome === 'passed' ? 'green' : 'red', text) }],
      suite?.thresholds ?? [],
      sheet(),
    ),
    ...(comparison ? [`against version ${comparison.version}:`, ...table([{ head: 'METRIC', of: ({ name }) => name }, { head: 'DIFFERENCE', of: ({ value }) => number(value), right: true }], comparison.differences, sheet())] : []),
  ];
  return { ok: suite === null || suite === undefined || suite.verdict === 'passed', lines, json: { ...evaluation } };
}

async function compare(versions: readonly string[], options: CompareOptions): Promise<Outcome> {
  const comparison = await clientOf(options).evaluations.compare(versions, { dataset: options.dataset, split: options.split }, saying(options));
  const starred = comparison.versions.some(({ differences }) => differences.some(moreThanChance));
  const lines = [
    `${comparison.rowCount} rows, ${comparison.task}; id ${comparison.id}`,
    ...table(comparisonColumns(comparison), metricsOf(comparison), sheet()),
    starred ? '* more than chance: p < 0.05, by Holm over all differences here' : 'None of the differences is more than chance (p < 0.05, by Holm over all of them).',
  ];
  return { ok: true, lines, json: { ...comparison } };
}

const moreThanChance = ({ adjustedPValue }: Compared['differences'][number]): boolean => adjustedPValue < 0.05;
type Compared = Comparison['versions'][number];
const metricsOf = ({ versions }: Comparison): string[] => [...new Set(versions.flatMap(({ metrics }) => metrics.map(({ name }) => name)))];

/** A row for each metric, a column for each version; a star where the difference is more than chance, after all are counted. */
function comparisonColumns({ versions }: Comparison): Column<string>[] {
  const measured = (version: Compared, metric: string): string => {
    const value = version.metrics.find(({ name }) => name === metric)?.value;
    return value === undefined ? '' : number(value);
  };
  const difference = (version: Compared, metric: string): string => {
    const found = version.differences.find((one) => one.metric === metric);
    return found === undefined ? '' : `${found.value > 0 ? '+' : ''}${number(found.value)} (${number(found.lower)} to ${number(found.upper)})${moreThanChance(found) ? ' *' : ''}`;
  };
  return [
    { head: 'METRIC', of: (metric) => metric },
    ...versions.flatMap((version, n): Column<string>[] => [
      { head: `VERSION ${version.version}`, of: (metric) => measured(version, metric), right: true },
      ...(n === 0 ? [] : [{ head: 'DIFFERENCE', of: (metric: string) => difference(version, metric) }]),
    ]),
  ];
}

async function invalidate(id: string, why: string, options: InvalidateOptions): Promise<Outcome> {
  const done = await clientOf(options).evaluations.invalidate(id, options.cause, why, saying(options));
  return { ok: true, lines: [`${plain(id)} is evidence no more`], json: { ...done } };
}

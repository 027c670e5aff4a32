import { Option, type Command } from 'commander';
import type { LineageGraph } from '@vitae/client';
import { clientOf, inProject, wholeNumber, type ProjectOptions } from './in-project.ts';
import { lineageTree } from './lineage-tree.ts';
import { answer, type Outcome } from './outcome.ts';
import { plain } from './table.ts';
import { paint } from './terminal.ts';

interface LineageOptions extends ProjectOptions {
  readonly asOf?: string;
  readonly depth?: number;
  readonly kind?: readonly string[];
  readonly limit: number;
  readonly format: 'tree' | 'dot' | 'mermaid' | 'json';
}
type PathOptions = Pick<LineageOptions, 'asOf'> & ProjectOptions;

/** `vitae lineage up|down|path`: what something came from, and what came of it. */
export function registerLineage(program: Command): void {
  const lineage = program
    .command('lineage')
    .summary('what came from what')
    .description('What something came from, and what came of it: data, code, runs, versions, evaluations, decisions, deployments, incidents. A node is kind:id, or what people call a model, credit, or a version, credit/3 and credit@champion.');
  const sub = (name: string, summary: string): Command => inProject(lineage.command(name).summary(summary).description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)).option('--as-of <point>', 'what was true at an index of the ledger or an RFC 3339 time; without, now');

  for (const [direction, summary] of [['up', 'show what something came from'], ['down', 'show what came of something']] as const) {
    sub(direction, summary)
      .argument('<node>', 'such as credit/3, dataset-version:applicants/1, incident:0199…')
      .option('--depth <n>', 'how many steps', wholeNumber(1, 50), 10)
      .option('--kind <kind...>', 'only these kinds; the way leads through all')
      .option('--limit <n>', 'how many nodes', wholeNumber(1, 2_000), 500)
      .addOption(new Option('--format <format>', 'how').choices(['tree', 'dot', 'mermaid', 'json']).default('tree'))
      .addHelpText('after', `\nExamples:\n  $ vitae lineage ${direction} credit/3\n  $ vitae lineage ${direction} credit/3 --format dot | dot -Tsvg > credit.svg`)
      .action((node: string, options: LineageOptions) => answer(options.format === 'json' ? { json: true } : options, () => around(node, direction, options)));
  }
  sub('path', 'show one way from one thing to another').argument('<from>', 'a node').argument('<to>', 'a node').action((from: string, to: string, options: PathOptions) => answer(options, () => path(from, to, options)));
}

async function around(node: string, direction: 'up' | 'down', options: LineageOptions): Promise<Outcome> {
  const { lineage } = clientOf(options);
  const { asOf, depth, kind, limit, format } = options;
  const wish = { direction, limit, ...(depth === undefined ? {} : { depth }), ...(asOf === undefined ? {} : { asOf }), ...(kind === undefined ? {} : { kinds: kind }) };
  if ((format === 'dot' || format === 'mermaid') && !options.json) return { ok: true, lines: [(await lineage.drawn(node, format, wish)).trimEnd()], json: {} };
  const graph = await lineage.around(node, wish);
  return { ok: true, lines: [...lineageTree(graph, { direction, paint: (text) => paint('dim', text) }), ...warnings(graph)], json: { ...graph } };
}

const warnings = ({ truncated, complete }: LineageGraph): string[] => [
  ...(truncated ? ['There is more: say a larger --limit or --depth.'] : []),
  ...(complete ? [] : ['The registry had not read all of the ledger yet: ask again in a moment.']),
];

async function path(from: string, to: string, options: PathOptions): Promise<Outcome> {
  const found = await clientOf(options).lineage.path(from, to, { asOf: options.asOf });
  const label = new Map(found.nodes.map(({ node, kind, label: said }) => [node, `${kind} ${plain(said)}`]));
  const [first] = found.edges;
  const lines = first ? [label.get(first.from) ?? first.from, ...found.edges.map((edge) => `  ${paint('dim', edge.relation)} → ${label.get(edge.to) ?? edge.to}`)] : [`Nothing leads from ${plain(from)} to ${plain(to)}.`];
  return { ok: first !== undefined, lines, json: { ...found } };
}

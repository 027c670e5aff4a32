import { VitaeUnreachable } from '@vitae/client';
import { Option, type Command } from 'commander';
import { callApi, callApiJson, withApi, type ApiOptions } from './api.ts';
import { answer, withJson, type Outcome } from './outcome.ts';
import { namesIn } from './people.ts';

export interface HistoryOptions extends ApiOptions {
  /** Absent: the whole installation. */
  readonly project?: string;
  readonly json?: boolean;
}
export interface EventsOptions extends HistoryOptions {
  readonly stream?: string;
  readonly subject?: string;
  readonly type?: string;
  readonly actor?: string;
  readonly from?: string;
  readonly to?: string;
  readonly since?: string;
  readonly until?: string;
  readonly latest?: boolean;
  readonly limit: string;
}
export interface AsOfOptions extends HistoryOptions {
  readonly asOf?: string;
}

interface Item {
  readonly envelope: { readonly index: string; readonly type: string; readonly stream: string; readonly recordedAt: string; readonly reason?: string; readonly actor: { readonly id: string } };
}
interface Deed {
  readonly index: number;
  readonly type: string;
  readonly recordedAt: string;
  readonly actor: { readonly id: string };
  readonly reason: string;
}
interface AsOf {
  readonly index: number;
}

/** `vitae history events|follow|state|life|serving`: what happened, and what was true at a point of it. */
export function registerHistory(program: Command): void {
  const history = program.command('history').summary('what happened, and what was true at any point').description('The one history of everything: its events, and what was true at an index or a time.');
  const sub = (name: string, summary: string): Command => withJson(withApi(history.command(name).summary(summary).description(`${summary}.`)));
  const filtered = (command: Command): Command =>
    command
      .option('--project <project>', 'a project; without, the whole installation')
      .option('--stream <stream>', 'events of one aggregate, such as registry.ModelVersion-0199…')
      .option('--subject <subject>', 'events that concern one thing, such as model:0199…')
      .option('--type <type>', 'events of a type, or of a service: vitae.registry.v1.ModelRegistered, registry')
      .option('--actor <id>', 'what somebody did, by the id that events have, such as psn_4f…')
      .option('--from <index>', 'from this index on');
  const asOf = (command: Command): Command => command.requiredOption('--project <project>', 'the project').option('--as-of <point>', 'an index or an RFC 3339 time; without, now');

  filtered(sub('events', 'list events'))
    .option('--to <index>', 'up to this index')
    .option('--since <time>', 'only what was recorded after this time')
    .option('--until <time>', 'only what was known at this time')
    .option('--latest', 'the latest first')
    .option('--limit <n>', 'how many, at most 1000', '100')
    .addHelpText('after', '\nExample:\n  $ vitae history events --project credit --subject model:0199… --since 2026-03-01T00:00:00Z')
    .action((options: EventsOptions) => answer(options, () => events(options)));
  filtered(sub('follow', 'print events as they happen, until interrupted; comes again by itself when the connection is lost')).action((options: EventsOptions) => answer(options, () => follow(options)));
  asOf(sub('state', 'show an aggregate as it was')).argument('<stream>', 'such as governance.UseCase-0199…').action((stream: string, options: AsOfOptions) => answer(options, () => state(stream, options)));
  asOf(sub('life', "show a model's life as of a point")).argument('<model>', 'its id').action((model: string, options: AsOfOptions) => answer(options, () => life(model, options)));
  asOf(sub('serving', 'show which versions served at an endpoint')).argument('<endpoint>', 'its id').action((endpoint: string, options: AsOfOptions) => answer(options, () => serving(endpoint, options)));
}

/** `vitae diff <stream>`: who changed what, when and why, between two points. */
export function registerDiff(program: Command): void {
  withJson(withApi(program.command('diff')))
    .summary('show who changed what in an aggregate between two points')
    .description('Compares an aggregate as of two points of the history: each field that differs, from what to what, and the event that made it so.')
    .argument('<stream>', 'such as deployment.Endpoint-0199…')
    .requiredOption('--project <project>', 'the project')
    .requiredOption('--from <point>', 'an index or an RFC 3339 time')
    .addOption(new Option('--to <point>', 'an index or an RFC 3339 time; without, now'))
    .action((stream: string, options: DiffOptions) => answer(options, () => diff(stream, options)));
}

export interface DiffOptions extends HistoryOptions {
  readonly from: string;
  readonly to?: string;
}

const scope = ({ project }: HistoryOptions): string => (project === undefined ? 'ledger/v1' : `ledger/v1/projects/${encodeURIComponent(project)}`);
const query = (parameters: Readonly<Record<string, string | undefined>>): string => {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
};
const filterOf = ({ stream, subject, type, actor, from }: EventsOptions) => ({ stream, subject, type, actor, from });

export async function events(options: EventsOptions): Promise<Outcome> {
  const { to, since, until, limit, latest } = options;
  const page = await callApiJson<{ items: readonly Item[]; next?: number }>(options, `${scope(options)}/events${query({ ...filterOf(options), to, since, until, limit, order: latest ? 'desc' : undefined })}`);
  const more = page.next === undefined ? [] : [`There is more: --${latest ? 'to' : 'from'} ${page.next}`];
  return { ok: true, lines: [...page.items.map(line), ...more], json: { ...page } };
}

/** Prints until the connection ends, and then comes again after the last event that it saw. */
export async function follow(options: EventsOptions, print: (text: string) => void = (text) => void process.stdout.write(`${text}\n`)): Promise<Outcome> {
  let last: string | undefined;
  for (let first = true; ; first = false) {
    try {
      const response = await callApi(options, `${scope(options)}/events/feed${query(filterOf(options))}`, { headers: last === undefined ? {} : { 'last-event-id': last } });
      for await (const block of blocksOf(response)) {
        last = /^id: (\d+)$/m.exec(block)?.[1] ?? last;
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data !== undefined) print(options.json ? data : await named(options, line(JSON.parse(data) as Item)));
      }
    } catch (error) {
      if (first || !(error instanceof VitaeUnreachable || error instanceof TypeError)) throw error; // a wrong option will not get better
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

const named = async (options: EventsOptions, text: string): Promise<string> => (await namesIn(options, [text]))(text);

async function* blocksOf(response: Response): AsyncGenerator<string> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    const blocks = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    yield* blocks;
  }
}

export async function state(stream: string, options: AsOfOptions): Promise<Outcome> {
  const found = await callApiJson<{ asOf: AsOf; revision: number; state: object; last: Deed }>(options, `${scope(options)}/streams/${encodeURIComponent(stream)}/state${query({ asOf: options.asOf })}`);
  return { ok: true, lines: [`${stream} at revision ${found.revision}, as of index ${found.asOf.index}`, JSON.stringify(found.state, null, 2), `last: ${deed(found.last)}`], json: { ...found } };
}

export async function diff(stream: string, options: DiffOptions): Promise<Outcome> {
  const found = await callApiJson<{ from: AsOf; to: AsOf; events: number; changes: readonly { path: string; old?: unknown; new?: unknown; by: Deed }[] }>(
    options,
    `${scope(options)}/streams/${encodeURIComponent(stream)}/diff${query({ from: options.from, to: options.to })}`,
  );
  const shown = (value: unknown): string => (value === undefined ? '(absent)' : JSON.stringify(value));
  const lines = [
    `${stream} between index ${found.from.index} and ${found.to.index}: ${found.events} events, ${found.changes.length} differences`,
    ...found.changes.flatMap((change) => [`  ${change.path}`, `    ${shown(change.old)} → ${shown(change.new)}`, `    ${deed(change.by)}`]),
  ];
  return { ok: true, lines, json: { ...found } };
}

export async function life(model: string, options: AsOfOptions): Promise<Outcome> {
  const found = await callApiJson<{ asOf: AsOf; state: { name: string }; stages: readonly { stage: string; count: number; events: readonly Deed[] }[] }>(options, `${scope(options)}/models/${encodeURIComponent(model)}/life${query({ asOf: options.asOf })}`);
  const lines = [
    `${found.state.name} as of index ${found.asOf.index}`,
    ...found.stages.flatMap(({ stage, count, events: some }) => [`${stage}: ${count === 1 ? '1 event' : `${count} events`}`, ...some.map((one) => `  ${deed(one)}`)]),
    JSON.stringify(found.state, null, 2),
  ];
  return { ok: true, lines, json: { ...found } };
}

export async function serving(endpoint: string, options: AsOfOptions): Promise<Outcome> {
  const found = await callApiJson<{ endpoint: string; environment: string; weights: readonly { version: number; weight: number }[]; since: { index: number; recordedAt: string; actor: string }; asOf: AsOf }>(
    options,
    `${scope(options)}/endpoints/${encodeURIComponent(endpoint)}/serving${query({ asOf: options.asOf })}`,
  );
  const served = found.weights.map(({ version, weight }) => `version ${version}: ${weight} %`).join(', ') || 'nothing';
  return { ok: true, lines: [`${found.endpoint} in ${found.environment} as of index ${found.asOf.index}: ${served}`, `since event ${found.since.index}, ${found.since.recordedAt}, by ${found.since.actor}`], json: { ...found } };
}

const because = (reason: string | undefined): string => (reason ? `: ${reason}` : '');
const nameOf = (type: string): string => type.split('.').slice(1).filter((part) => !/^v\d+$/.test(part)).join(' ');
const line = ({ envelope }: Item): string => `${envelope.index.padStart(8)}  ${envelope.recordedAt}  ${nameOf(envelope.type)} by ${envelope.actor.id}${because(envelope.reason)}`;
const deed = ({ index, recordedAt, type, actor, reason }: Deed): string => `${index}  ${recordedAt}  ${nameOf(type)} by ${actor.id}${because(reason)}`;

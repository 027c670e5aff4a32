import { Option, type Command } from 'commander';
import { callApiJson, withApi, type ApiOptions } from './api.ts';
import { answer, CannotRun, withJson, type Outcome } from './outcome.ts';

interface WebhookOptions extends ApiOptions {
  readonly project: string;
  readonly json?: boolean;
}

interface Webhook {
  readonly id: string;
  readonly url: string;
  readonly state: string;
  readonly trouble: string | null;
  readonly types: readonly string[];
  readonly subjects: readonly string[];
  readonly waiting: number;
  readonly dead: number;
}

interface Delivery {
  readonly index: number;
  readonly type: string;
  readonly state: string;
  readonly attempts: number;
  readonly triedAt: string | null;
  readonly responseStatus: number | null;
  readonly error: string | null;
  readonly durationMs: number | null;
}

/** `vitae webhooks list|create|deliveries|replay`: who outside is told of events, and what became of it. */
export function registerWebhooks(program: Command): void {
  const webhooks = program.command('webhooks').summary('tell other systems of events over HTTP').description('Webhooks: who outside is told of events, what became of it, and sending it again.');
  const sub = (name: string, summary: string): Command =>
    withJson(withApi(webhooks.command(name).summary(summary).description(`${summary}.`).requiredOption('--project <project>', 'the project; vitae for webhooks that are told of all projects')));

  sub('list', 'list the webhooks of a project').action((options: WebhookOptions) => answer(options, () => list(options)));
  sub('create', 'subscribe a receiver; prints the secret, once')
    .argument('<url>', 'where the receiver is')
    .option('--type <type...>', 'only these event types, such as vitae.registry.v1.ModelRegistered or vitae.registry.v1.*')
    .option('--subject <subject...>', 'only events that concern one of these, such as model:0199… or model:*')
    .option('--description <text>', 'what it is for')
    .addHelpText('after', '\nExample:\n  $ vitae webhooks create https://register.example/vitae --project credit --type "vitae.governance.v1.*"')
    .action((url: string, options: CreateOptions) => answer(options, () => create(url, options)));
  sub('deliveries', 'show what was sent to a webhook, newest first')
    .argument('<id>', 'the webhook')
    .addOption(new Option('--state <state>', 'only such deliveries').choices(['waiting', 'delivered', 'dead', 'dropped']))
    .option('--before <index>', 'only events before this index: the next page')
    .option('--limit <n>', 'how many, at most 200', '50')
    .action((id: string, options: LogOptions) => answer(options, () => log(id, options)));
  sub('replay', 'send events again: one of the log, or all that the filter wants from an index on')
    .argument('<id>', 'the webhook')
    .option('--event <index>', 'this event of the log')
    .option('--from <index>', 'all events from this index on; says how many, and sends them with --yes')
    .option('--yes', 'send them')
    .action((id: string, options: ReplayOptions) => answer(options, () => replay(id, options)));
}

interface CreateOptions extends WebhookOptions {
  readonly type?: readonly string[];
  readonly subject?: readonly string[];
  readonly description?: string;
}
interface LogOptions extends WebhookOptions {
  readonly state?: string;
  readonly before?: string;
  readonly limit: string;
}
interface ReplayOptions extends WebhookOptions {
  readonly event?: string;
  readonly from?: string;
  readonly yes?: boolean;
}

const base = ({ project }: WebhookOptions): string => `ledger/v1/projects/${encodeURIComponent(project)}/webhooks`;
const one = (id: string, options: WebhookOptions): string => `${base(options)}/${encodeURIComponent(id)}`;

async function list(options: WebhookOptions): Promise<Outcome> {
  const items: Webhook[] = [];
  let page: { readonly items: readonly Webhook[]; readonly next?: string };
  let after = '';
  do {
    page = await callApiJson(options, `${base(options)}?limit=200${after}`);
    items.push(...page.items);
    after = `&after=${page.next}`;
  } while (page.next !== undefined);
  const lines = items.flatMap(({ id, state, url, waiting, dead, trouble, types, subjects }) => [
    `${id}  ${state}  ${url}  ${waiting} waiting, ${dead} given up${trouble === null ? '' : ` (${trouble})`}`,
    ...(types.length + subjects.length > 0 ? [`  only ${[...types, ...subjects].join(' ')}`] : []),
  ]);
  return { ok: true, lines: lines.length > 0 ? lines : [`project ${options.project} has no webhooks`], json: { items } };
}

async function create(url: string, options: CreateOptions): Promise<Outcome> {
  const body = { url, types: options.type ?? [], subjects: options.subject ?? [], description: options.description ?? '' };
  const made = await callApiJson<{ id: string; secret: string }>(options, base(options), { method: 'POST', body });
  return { ok: true, lines: [`webhook ${made.id}`, `secret  ${made.secret}`, 'Keep the secret now: it is not shown again. Receivers check it as https://www.standardwebhooks.com says.'], json: { ...made } };
}

async function log(id: string, options: LogOptions): Promise<Outcome> {
  const query = new URLSearchParams({ limit: options.limit, ...(options.state === undefined ? {} : { state: options.state }), ...(options.before === undefined ? {} : { before: options.before }) });
  const { items, next } = await callApiJson<{ items: Delivery[]; next?: number }>(options, `${one(id, options)}/deliveries?${query}`);
  const lines = items.map(({ index, state, attempts, type, triedAt, responseStatus, error, durationMs }) =>
    [String(index).padStart(8), state.padEnd(9), `${attempts}x`.padStart(3), triedAt ?? 'not tried yet', error ?? (responseStatus === null ? '' : `${responseStatus} in ${durationMs} ms`), type].join('  '),
  );
  return { ok: true, lines: [...(lines.length > 0 ? lines : ['nothing was sent']), ...(next === undefined ? [] : [`more: --before ${next}`])], json: { items, next } };
}

async function replay(id: string, options: ReplayOptions): Promise<Outcome> {
  if ((options.event === undefined) === (options.from === undefined)) throw new CannotRun('say which events: --event <index> for one, or --from <index> for all from there on');
  if (options.event !== undefined) {
    await callApiJson(options, `${one(id, options)}/deliveries/${encodeURIComponent(options.event)}/replay`, { method: 'POST' });
    return { ok: true, lines: [`event ${options.event} is sent again`], json: { event: Number(options.event) } };
  }
  const query = new URLSearchParams({ from: options.from ?? '', dryRun: options.yes ? 'false' : 'true' });
  const { wanted } = await callApiJson<{ wanted: number }>(options, `${one(id, options)}/replay?${query}`, { method: 'POST' });
  return { ok: true, lines: [options.yes ? `${wanted} events are sent again` : `${wanted} events would be sent again; add --yes to send them`], json: { wanted, sent: options.yes === true } };
}

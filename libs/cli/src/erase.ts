import type { Command } from 'commander';
import { callApiJson, withApi, type ApiOptions } from './api.ts';
import { answer, CannotRun, ProblemFound, withJson, type Outcome } from './outcome.ts';

export interface EraseOptions extends ApiOptions {
  readonly json?: boolean;
  readonly reason?: string;
  readonly yes?: boolean;
  readonly mail?: string;
}

interface Erasure {
  readonly person: string;
  readonly state: string;
  readonly held: boolean;
  readonly keyIds?: readonly string[];
  readonly steps: readonly { readonly event: string; readonly by: string; readonly at: string; readonly reason: string }[];
}

interface Preview {
  readonly person: string;
  readonly keys: number;
  readonly events: number;
  readonly texts: number;
  readonly projects: readonly { readonly projectId: string; readonly events: number; readonly texts: number }[];
}

/** `vitae erase request|approve|refuse|hold|lift|status|preview`: two people make unreadable what one person wrote. */
export function registerErase(program: Command): void {
  const erase = program
    .command('erase')
    .summary('make unreadable what a person wrote')
    .description(
      'Erases what a person wrote, in every project, by destroying the keys that it is sealed under. The events, their order and every proof stay. ' +
        'One person requests, another approves; neither may be a machine, and nobody approves the erasure of their own words.',
    );
  const sub = (name: string, summary: string): Command =>
    withJson(withApi(erase.command(name).summary(summary).description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`).argument('[person]', "what events call the person, such as psn_5f0c…; or --mail")))
      .option('--mail <address>', 'instead of the actor id: who has this mail (wants person.read everywhere)');
  const withReason = (command: Command): Command => command.requiredOption('--reason <text>', 'why; it is kept in the ledger');

  withReason(sub('request', 'ask for the erasure of what a person wrote'))
    .addHelpText('after', '\nExample:\n  $ vitae erase request --mail paula@example.org --reason "has left and asks for it"\n  $ vitae erase approve --mail paula@example.org --yes     # somebody else')
    .action((person: string | undefined, options: EraseOptions) => answer(options, async () => change(await personOf(person, options), 'POST', '', options)));
  sub('approve', 'agree as the second person; says what would be erased, and does it with --yes')
    .option('--reason <text>', 'why; it is kept in the ledger')
    .option('--yes', 'destroy the keys: nothing brings the texts back')
    .action((person: string | undefined, options: EraseOptions) => answer(options, async () => approve(await personOf(person, options), options)));
  withReason(sub('refuse', 'end a request without an erasure')).action((person: string | undefined, options: EraseOptions) => answer(options, async () => change(await personOf(person, options), 'POST', '/refusal', options)));
  withReason(sub('hold', 'put a legal hold on what a person wrote')).action((person: string | undefined, options: EraseOptions) => answer(options, async () => change(await personOf(person, options), 'POST', '/hold', options)));
  withReason(sub('lift', 'lift a legal hold')).action((person: string | undefined, options: EraseOptions) => answer(options, async () => change(await personOf(person, options), 'DELETE', '/hold', options)));
  sub('status', 'say what became of an erasure').action((person: string | undefined, options: EraseOptions) => answer(options, async () => status(await personOf(person, options), options)));
  sub('preview', 'say how much an erasure would make unreadable; changes nothing').action((person: string | undefined, options: EraseOptions) => answer(options, async () => preview(await personOf(person, options), options)));
}

const of = (person: string): string => `ledger/v1/erasures/${encodeURIComponent(person)}`;

/**
 * Whom it is about: as said, or who has that mail.
 * @throws when nobody has it, or more than one.
 */
export async function personOf(said: string | undefined, options: EraseOptions): Promise<string> {
  const { mail } = options;
  if (said !== undefined && mail === undefined) return said;
  if (said !== undefined || mail === undefined) throw new CannotRun('Say who: the actor id of the person, or --mail, and not both.');
  const { items } = await callApiJson<{ items: readonly { readonly id: string; readonly mail: string }[] }>(options, 'governance/v1/people/search', { method: 'POST', body: { mail } });
  const found = items.filter((one) => one.mail.toLowerCase() === mail.toLowerCase());
  const [one] = found;
  if (one && found.length === 1) return one.id;
  throw new ProblemFound(found.length === 0 ? `Nobody has the mail ${mail}. Who was erased has none any more.` : `${found.length} people have the mail ${mail}: ${found.map(({ id }) => id).join(', ')}. Name one of them.`);
}

/** What the order made of it: the erasure as it stands then. */
export async function change(person: string, method: 'POST' | 'DELETE', path: '' | '/approval' | '/refusal' | '/hold', options: EraseOptions): Promise<Outcome> {
  const { reason } = options;
  if (path === '') await callApiJson(options, 'ledger/v1/erasures', { method, reason, body: { person } });
  else await callApiJson(options, `${of(person)}${path}`, { method, reason });
  return status(person, options);
}

export async function approve(person: string, options: EraseOptions): Promise<Outcome> {
  if (options.yes) return change(person, 'POST', '/approval', options);
  const { lines, json } = await preview(person, options);
  return { ok: true, lines: [...lines, 'Nothing was done. The same command with --yes destroys the keys, for ever.'], json };
}

export async function status(person: string, options: EraseOptions): Promise<Outcome> {
  const erasure = await callApiJson<Erasure>(options, of(person));
  const keys = erasure.state === 'erased' ? `, ${counted(erasure.keyIds?.length ?? 0, 'key')} destroyed` : '';
  const steps = erasure.steps.map(({ event, by, at, reason }) => `  ${at}  ${event} by ${by}${reason === '' ? '' : `: ${reason}`}`);
  return { ok: true, lines: [`${person}: ${erasure.state}${keys}${erasure.held ? ', under a legal hold' : ''}`, ...steps], json: { ...erasure } };
}

export async function preview(person: string, options: EraseOptions): Promise<Outcome> {
  const found = await callApiJson<Preview>(options, `${of(person)}/preview`);
  const { keys, texts, events, projects } = found;
  const what = keys === 0 ? `There is nothing of ${person} to erase.` : `An erasure of ${person} would make ${counted(texts, 'text')} in ${counted(events, 'event')} unreadable (${counted(keys, 'key')}).`;
  return { ok: true, lines: [what, ...projects.map((one) => `  ${one.projectId}: ${counted(one.texts, 'text')} in ${counted(one.events, 'event')}`)], json: { ...found } };
}

const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

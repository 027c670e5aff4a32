import { InvalidArgumentError, Option, type Command } from 'commander';
import { USUAL_RETRIES, vitae, type CommandOptions, type ConnectionOptions, type RetryPolicy, type VitaeClient } from '@vitae/client';
import { withApi, type ApiOptions } from './api.ts';
import { CannotRun, withJson } from './outcome.ts';
import { tokenFor } from './token-for.ts';

/** The options of every command that works in a project of a running Vitae. */
export interface ProjectOptions extends ApiOptions {
  readonly project?: string;
  readonly json?: boolean;
}

/** Of a command that changes something. */
export interface ChangeOptions extends ProjectOptions {
  readonly reason?: string;
}

export interface SearchOptions extends ProjectOptions {
  readonly filter?: string;
  readonly orderBy?: string;
  readonly limit: number;
  readonly all?: boolean;
  readonly deleted?: 'show' | 'only';
}

/** Adds `--url`, `--project` and `--json`. */
export function inProject(command: Command): Command {
  return withJson(withApi(command)).addOption(new Option('--project <project>', 'the project').env('VITAE_PROJECT'));
}

export const withReason = (command: Command): Command => command.option('--reason <text>', 'why; it is kept in the ledger');

/** Adds what the lists of the registry can be asked for. */
export function withSearch(command: Command, { sorts }: { readonly sorts: string }): Command {
  return command
    .option('--filter <filter>', `which: such as "name LIKE 'credit%' AND tags.team = 'risk'"`)
    .option('--order-by <fields>', `sorted by, such as "${sorts}"`)
    .option('--limit <n>', 'how many', wholeNumber(1, 200), 50)
    .option('--all', 'every one, however many; with --json a line each, as they come')
    .addOption(new Option('--deleted <which>', 'with those that were deleted, or only these').choices(['show', 'only']));
}

export const searchOf = ({ filter, orderBy, deleted }: SearchOptions): { filter?: string; orderBy?: string; deleted?: 'show' | 'only' } => ({
  ...(filter === undefined ? {} : { filter }),
  ...(orderBy === undefined ? {} : { orderBy }),
  ...(deleted === undefined ? {} : { deleted }),
});

/** Somebody waits at a terminal: better an answer soon than a success late. Uploads and downloads have more patience. */
const SOON: RetryPolicy = { ...USUAL_RETRIES, retries: 2 };

/** @throws CannotRun without a project. */
export function clientOf(options: ProjectOptions, more: Partial<ConnectionOptions> = {}): VitaeClient {
  if (options.project === undefined) throw new CannotRun('In which project? Say --project or set VITAE_PROJECT.');
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(options.project)) throw new CannotRun(`${options.project} is no project: 1 to 63 lower-case letters, digits and hyphens.`);
  return vitae({ url: options.url, project: options.project, token: options.token ?? tokenFor(options.url), retry: SOON, ...more });
}

export const saying = ({ reason }: ChangeOptions): CommandOptions => ({ reason });

/** For `--limit <n>` and its like. */
export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    if (/^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
    throw new InvalidArgumentError(`It takes a whole number from ${least} to ${most}.`);
  };

/** For `--tag key=value`, which may be repeated. */
export function keyValue(text: string, before: readonly (readonly [string, string])[] = []): (readonly [string, string])[] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It takes key=value.');
  return [...before, [text.slice(0, at), text.slice(at + 1)]];
}

/** For an option that may be repeated. */
export const repeated = (text: string, before: readonly string[] = []): string[] => [...before, text];

import type { Command } from 'commander';
import { callApiJson, withApi, type ApiOptions } from './api.ts';
import { credentialOf } from './credential.ts';
import { answer, withJson, type Outcome } from './outcome.ts';
import { plain } from './table.ts';

interface Whoami {
  readonly id: string;
  readonly kind: string;
  readonly onBehalfOf?: string | null;
  /** A person's are roles, a token's are permissions. */
  readonly grants: readonly { readonly role?: string; readonly permissions?: readonly string[]; readonly projects: readonly string[] }[];
  readonly permissions?: readonly string[] | null;
}

export interface WhoamiOptions extends ApiOptions {
  readonly project?: string;
  readonly json?: boolean;
}

/** `vitae whoami`: who asks, in the services' eyes. */
export function registerWhoami(program: Command): void {
  withJson(withApi(program.command('whoami')))
    .summary('say who you are to Vitae, and what you may do')
    .description('Says who you are to Vitae: the id that events carry, the roles you have and in which projects, and what you may do in a project or on the whole installation.')
    .option('--project <project>', 'what you may do in this project')
    .action((options: WhoamiOptions) => answer(options, () => whoami(options)));
}

export async function whoami(options: WhoamiOptions): Promise<Outcome> {
  const { project } = options;
  const found = await callApiJson<Whoami>(options, `governance/v1/whoami${project === undefined ? '' : `?${new URLSearchParams({ project })}`}`);
  const { id, kind, onBehalfOf, grants, permissions } = found;
  const name = credentialOf() === 'session' ? await sessionName(options.url) : undefined;
  const lines = [
    `${plain(name || id)} (${[kind, ...(name && name !== id ? [`events call you ${id}`] : []), ...(onBehalfOf && onBehalfOf !== id ? [`on behalf of ${onBehalfOf}`] : [])].map(plain).join(', ')})`,
    ...(grants.length === 0 ? ['  no role in any project'] : grants.map(({ role, permissions: some = [], projects }) => `  ${plain(role ?? some.join(', '))} in ${projects.includes('*') ? 'all projects' : projects.map(plain).join(', ')}`)),
    ...(permissions ? [`  may ${project === undefined ? 'on the whole installation' : `in ${project}`}: ${permissions.map(plain).join(', ') || 'nothing'}`] : []),
    ...(credentialOf() === 'session' ? [] : [`  by ${credentialOf()}`]),
  ];
  return { ok: true, lines, json: { ...found, ...(name === undefined ? {} : { name }) }, pseudonyms: true };
}

/** As the issuer calls who logged in: services know a pseudonym, and nobody has to look one's own name up. */
async function sessionName(url: string): Promise<string | undefined> {
  const { doorOf, readSessions } = await import('./session/session-file.ts');
  return (await readSessions())[doorOf(url)]?.name;
}

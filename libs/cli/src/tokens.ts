import { InvalidArgumentError, type Command } from 'commander';
import { callApi, callApiJson, withApi, type ApiOptions } from './api.ts';
import { answer, withJson, type Outcome } from './outcome.ts';
import { namesIn } from './people.ts';
import { minute, plain, table, type Column } from './table.ts';
import { sheet } from './terminal.ts';

export interface TokensOptions extends ApiOptions {
  readonly json?: boolean;
}
export interface CreateOptions extends TokensOptions {
  readonly projects: readonly string[];
  readonly permissions: readonly string[];
  /** Milliseconds from now, or an RFC 3339 time. */
  readonly expires: number | string;
}

interface Token {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly projects: readonly string[];
  readonly permissions: readonly string[];
  readonly state: 'live' | 'expired' | 'revoked';
  readonly expiresAt: string;
  readonly lastUsedAt?: string | null;
}

/** `vitae tokens create|list|revoke`: what programs prove with who they are. */
export function registerTokens(program: Command): void {
  const tokens = program.command('tokens').summary('API tokens for programs').description('API tokens: with one, a program acts under its own name, on your behalf, with no more than the token says and you may do yourself.');
  const sub = (name: string, summary: string): Command => withJson(withApi(tokens.command(name).summary(summary).description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)));

  sub('create', 'make a token; prints it once, alone on stdout')
    .argument('<name>', 'what events call the program')
    .requiredOption('--projects <projects>', 'where, divided by commas', names)
    .requiredOption('--permissions <permissions>', 'what it may do, divided by commas, such as model.register', names)
    .option('--expires <when>', 'such as 12h, 30d, 8w, or an RFC 3339 time', lifetime, lifetime('30d'))
    .addHelpText('after', '\nExample:\n  $ (umask 077; vitae tokens create nightly --projects credit --permissions registry.read,model.register --expires 30d > token)')
    .action((name: string, options: CreateOptions) => answer(options, () => create(name, options)));
  sub('list', 'list the tokens, with who made them and when they were last used').action((options: TokensOptions) => answer(options, () => list(options)));
  sub('revoke', 'end a token at once').argument('<token-id>', 'its id').action((id: string, options: TokensOptions) => answer(options, () => revoke(id, options)));
}

export async function create(name: string, options: CreateOptions): Promise<Outcome> {
  const { projects, permissions, expires } = options;
  const expiresAt = typeof expires === 'string' ? expires : new Date(Date.now() + expires).toISOString();
  const made = await callApiJson<Token & { token: string }>(options, 'governance/v1/api-tokens', { method: 'POST', body: { name, projects, permissions, expiresAt } });
  if (!options.json) process.stderr.write(`Token ${plain(made.name)} (${plain(made.id)}), until ${plain(made.expiresAt)}. Keep it now: it is not shown again. A program takes it from VITAE_TOKEN or VITAE_TOKEN_FILE.\n`);
  return { ok: true, lines: [plain(made.token)], json: { ...made } };
}

const COLUMNS: readonly Column<Token>[] = [
  { head: 'id', of: ({ id }) => id },
  { head: 'name', of: ({ name }) => name },
  { head: 'state', of: ({ state }) => state },
  { head: 'projects', of: ({ projects }) => projects.join(' ') },
  { head: 'permissions', of: ({ permissions }) => permissions.join(' '), spare: true },
  { head: 'until', of: ({ expiresAt }) => minute(expiresAt) },
  { head: 'last used', of: ({ lastUsedAt }) => (lastUsedAt ? minute(lastUsedAt) : 'never') },
  { head: 'by', of: ({ owner }) => owner, spare: true },
];

export async function list(options: TokensOptions): Promise<Outcome> {
  const tokens: Token[] = [];
  for (let next: string | null | undefined = ''; typeof next === 'string'; ) {
    const page: { items: readonly Token[]; nextPageToken?: string | null } = await callApiJson(options, `governance/v1/api-tokens${next === '' ? '' : `?${new URLSearchParams({ pageToken: next })}`}`);
    tokens.push(...page.items);
    next = page.nextPageToken || undefined;
  }
  const none = process.stdout.isTTY && tokens.length === 0 ? ['there are no tokens'] : [];
  const reads = options.json ? undefined : await namesIn(options, tokens.map(({ owner }) => owner));
  return { ok: true, lines: [...table(COLUMNS, tokens, { ...sheet(), ...(reads ? { reads } : {}) }), ...none], json: { items: tokens } };
}

export async function revoke(id: string, options: TokensOptions): Promise<Outcome> {
  await callApi(options, `governance/v1/api-tokens/${encodeURIComponent(id)}`, { method: 'DELETE' });
  return { ok: true, lines: [`Token ${id} is revoked.`], json: { id, revoked: true } };
}

/** For `a,b`. */
export function names(text: string): string[] {
  const found = text.split(',').map((one) => one.trim());
  if (found.includes('')) throw new InvalidArgumentError('It takes names, divided by commas.');
  return found;
}

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** For `30d`, or a time. */
export function lifetime(text: string): number | string {
  const [, n, unit = ''] = /^([1-9]\d{0,4})([hdw])$/.exec(text) ?? [];
  if (n !== undefined) return Number(n) * (UNITS[unit] ?? 0);
  if (/^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text))) return new Date(text).toISOString();
  throw new InvalidArgumentError('It takes hours, days or weeks, such as 12h, 30d, 8w, or an RFC 3339 time.');
}

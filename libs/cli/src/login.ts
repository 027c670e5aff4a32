import type { Command } from 'commander';
import { withApi, type ApiOptions } from './api.ts';
import { answer, CannotRun, withJson, type Outcome } from './outcome.ts';

export interface LoginOptions extends ApiOptions {
  readonly json?: boolean;
  readonly device?: boolean;
  /** False with --no-browser. */
  readonly browser?: boolean;
  readonly issuer?: string;
  readonly audience?: string;
  readonly clientId?: string;
  readonly again?: boolean;
}

/** `vitae login`, `logout`, `whoami`: the command as somebody. */
export function registerLogin(program: Command): void {
  withJson(withApi(program.command('login')))
    .summary('log in at the issuer that the front door names')
    .description(
      'Logs you in: opens the issuer in your browser, and keeps the session for you alone. Without a browser here it shows a code that you enter on any other device. ' +
        'Programs do not log in: they set VITAE_TOKEN or VITAE_TOKEN_FILE.',
    )
    .option('--device', 'enter a code on another device')
    .option('--no-browser', 'open no browser: print the address, to be opened on this machine')
    .option('--again', 'prove anew who you are, for what asks for a recent login')
    .option('--issuer <url>', 'the issuer, where the front door does not name it')
    .option('--audience <audience>', 'what the token is for; with --issuer')
    .option('--client-id <id>', 'what the issuer calls this command; vitae-cli unless the front door says otherwise')
    .addHelpText('after', '\nExamples:\n  $ vitae login\n  $ vitae login --url https://vitae.example/api --device')
    .action((options: LoginOptions) => answer(options, () => login(options)));
  withJson(withApi(program.command('logout')))
    .summary('end your session')
    .description('Ends your session at the issuer and forgets it here. An access token that was sent somewhere stays good until its end, a few minutes.')
    .action((options: LoginOptions) => answer(options, () => logout(options)));
}

/** @throws CannotRun when the front door or the issuer does not answer, refuses, or nobody comes. */
export async function login(options: LoginOptions): Promise<Outcome> {
  const { logIn } = await import('./session/log-in.ts'); // the client of the issuer is loaded by who needs it
  const { door, session } = await logIn(options, (line) => void process.stderr.write(`${line}\n`));
  const { plain } = await import('./table.ts');
  const { name, issuer, refreshToken, expiresAt } = session;
  const ends = refreshToken === undefined ? [`${issuer} gave no refresh token: the session ends at ${expiresAt}.`] : [];
  return { ok: true, lines: [`Logged in at ${door} as ${plain(name)}.`, ...ends], json: { url: door, issuer, name, renews: refreshToken !== undefined, expiresAt } };
}

/** Also without an answer of the issuer the session is forgotten here; that it may live on there is a problem found. */
export async function logout(options: ApiOptions): Promise<Outcome> {
  const { logOut } = await import('./session/log-out.ts');
  const { door, ended, trouble } = await logOut(options.url);
  if (ended === 'none') return { ok: true, lines: [`You were not logged in at ${door}.`], json: { url: door, ended } };
  if (trouble === undefined) return { ok: true, lines: [`Logged out at ${door}.`], json: { url: door, ended } };
  return { ok: false, lines: [`Forgotten here, but not ended at the issuer: ${trouble} If somebody may have read the session, end it there.`], json: { url: door, ended, trouble } };
}

/** What two options mean together. @throws CannotRun */
export function checkLogin({ device, browser, issuer, audience }: LoginOptions): void {
  if (device && browser === false) throw new CannotRun('--device needs no browser here anyway: leave --no-browser out.');
  if (audience !== undefined && issuer === undefined) throw new CannotRun('--audience goes with --issuer; without them the front door says both.');
}

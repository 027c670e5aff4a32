import * as oidc from 'openid-client';
import { CannotRun } from '../outcome.ts';
import { asking, discover, resourceOf, sessionFrom } from './issuer.ts';
import { doorOf, readSessions, withSessions, without, type Session, type Sessions } from './session-file.ts';

export interface TokenWish {
  /** A token that was refused: another one is wanted. */
  readonly refused?: string | undefined;
  /** False takes what is there, and asks nobody. */
  readonly renew?: boolean;
}

/**
 * The access token for a front door, renewed before it ends. An issuer that rotates refresh tokens takes each once and
 * ends the session of who sends it twice; so they are spent under a lock, and who waited for it uses what the other got.
 * @throws CannotRun with what to do, when nobody is logged in there, the session has ended, or the issuer does not answer.
 */
export async function sessionToken(url: string, { refused, renew = true }: TokenWish = {}): Promise<string> {
  const door = doorOf(url);
  const good = (session: Session, until: 'renewAt' | 'expiresAt' = 'renewAt'): boolean => session.accessToken !== refused && Date.parse(session[until]) > Date.now();
  const session = sessionAt(await readSessions(), door);
  if (good(session)) return session.accessToken;
  if (!renew) throw ended(door);
  return withSessions(async ({ sessions, write }) => {
    const now = sessionAt(sessions, door); // another command may have renewed it, or logged out
    if (good(now)) return now.accessToken;
    try {
      const next = await renewed(now, door);
      await write({ ...sessions, [door]: next });
      return next.accessToken;
    } catch (error) {
      if (error instanceof SessionEnded) await write(without(sessions, door));
      else if (error instanceof CannotRun && good(now, 'expiresAt')) return now.accessToken; // the issuer is away; this one still is good
      throw error;
    }
  });
}

class SessionEnded extends CannotRun {}
const ended = (door: string): SessionEnded => new SessionEnded(`Your session at ${door} has ended. Log in: ${loginCommand(door)}`);

export const loginCommand = (door: string): string => `vitae login${door === doorOf(USUAL_DOOR) ? '' : ` --url ${door}`}`;
/** Where the local suite opens it. */
export const USUAL_DOOR = 'http://127.0.0.1:7400/api';

function sessionAt(sessions: Sessions, door: string): Session {
  const session = sessions[door];
  if (!session) throw new CannotRun(`You are not logged in at ${door}. Run ${loginCommand(door)}; a program sets VITAE_TOKEN or VITAE_TOKEN_FILE instead.`);
  return session;
}

async function renewed(session: Session, door: string): Promise<Session> {
  const { refreshToken, issuer } = session;
  if (refreshToken === undefined) throw ended(door);
  const config = await discover(session);
  const tokens = await asking(issuer, () =>
    oidc.refreshTokenGrant(config, refreshToken, resourceOf(session)).catch((error: unknown) => {
      throw error instanceof oidc.ResponseBodyError && error.error === 'invalid_grant' ? ended(door) : error;
    }),
  );
  return sessionFrom(session, tokens, Date.now(), session);
}

import * as oidc from 'openid-client';
import { asking, discover } from './issuer.ts';
import { doorOf, withSessions, without } from './session-file.ts';

export interface LoggedOut {
  readonly door: string;
  readonly ended: 'session' | 'none';
  /** Why the issuer did not end it. */
  readonly trouble?: string;
}

/** Forgets the session here, whatever the issuer says, and has the issuer end it (RFC 7009). */
export async function logOut(url: string): Promise<LoggedOut> {
  const door = doorOf(url);
  return withSessions(async ({ sessions, write }) => {
    const session = sessions[door];
    if (!session) return { door, ended: 'none' };
    await write(without(sessions, door));
    try {
      const config = await discover(session);
      if (config.serverMetadata().revocation_endpoint === undefined) return { door, ended: 'session', trouble: `${session.issuer} offers no revocation.` };
      await asking(session.issuer, () => oidc.tokenRevocation(config, session.refreshToken ?? session.accessToken, { token_type_hint: session.refreshToken === undefined ? 'access_token' : 'refresh_token' }));
      return { door, ended: 'session' };
    } catch (error) {
      return { door, ended: 'session', trouble: (error as Error).message };
    }
  });
}

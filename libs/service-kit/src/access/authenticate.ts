import { AsyncLocalStorage } from 'node:async_hooks';
import type { NextFunction, Request, Response } from 'express';
import { isOperational } from '../operational-paths.ts';
import { Problem } from '../problem.ts';
import type { AccessAudit } from './access-audit.ts';
import type { Authentication } from './authentication.ts';
import { CredentialRefused } from './credential-refused.ts';
import type { Principal } from './principal.ts';

/** A request whose sender was looked at. */
export interface KnownRequest {
  /** Undefined: it brought no credential. */
  principal?: Principal | undefined;
  /** Looks at the same credential once more: for answers that outlive it (`while-allowed.ts`). Rejects when it is not accepted any more. */
  lookAgain?: () => Promise<Principal | undefined>;
  /** What the guard asked of who sent it, to be asked of them once more. */
  permits?: (principal: Principal) => boolean;
}

/**
 * The middleware before all others: finds out who sends the request, before any body is read. A credential that is not
 * accepted is refused at any address, public ones too; no credential is for the guard to judge.
 */
export function authenticate(authentication: Authentication, audit: AccessAudit) {
  return (request: Request & KnownRequest, _response: Response, next: NextFunction): void => {
    if (isOperational(request.url)) return next();
    const { authorization } = request.headers;
    const here = AsyncLocalStorage.snapshot(); // outside of any project, where it is looked at the first time, too
    request.lookAgain = () => here(() => authentication.principalOf(authorization));
    authentication.principalOf(authorization).then(
      (principal) => {
        request.principal = principal;
        next();
      },
      (error: unknown) => {
        if (!(error instanceof CredentialRefused)) return next(error);
        audit.refused(error.fault);
        next(credentialRefused(error));
      },
    );
  };
}

/** RFC 9110 section 11.6.1 wants a challenge with every 401; RFC 6750 section 3 says what it holds. */
const challenge = (more = ''): Readonly<Record<string, string>> => ({ 'WWW-Authenticate': `Bearer realm="vitae"${more}` });

export const credentialRefused = (error: CredentialRefused): Problem =>
  new Problem(401, 'credential-refused', 'The credential was refused', `${error.message} Log in again (vitae login), or send another token.`, {
    members: { reason: error.fault },
    headers: challenge(', error="invalid_token"'),
    cause: error,
  });

export const credentialMissing = (): Problem =>
  new Problem(401, 'credential-missing', 'The caller is not known', 'The request brings no credential. Send Authorization: Bearer with a token of the issuer (vitae login) or an API token (vitae tokens create).', {
    headers: challenge(),
  });

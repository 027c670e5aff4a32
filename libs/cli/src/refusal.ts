import type { VitaeProblem } from '@vitae/client';
import type { Credential } from './credential.ts';

/** What a service refused, and what to do about it, where that is about who asks. */
export function sayRefusal({ message, status, challenge, more }: Pick<VitaeProblem, 'message' | 'status' | 'challenge' | 'more'>, credential: Credential): string {
  const todo = status === 401 ? toBeKnown(challenge ?? '', credential) : status === 403 ? toBeAllowed(more) : undefined;
  return todo === undefined ? message : `${message}\n${todo}`;
}

function toBeKnown(challenge: string, credential: Credential): string {
  if (challenge.includes('insufficient_user_authentication')) {
    const [, seconds] = /max_age="?(\d+)/.exec(challenge) ?? [];
    const when = seconds === undefined ? 'newly logged in' : `logged in within the last ${Number(seconds) < 120 ? `${seconds} seconds` : `${Math.floor(Number(seconds) / 60)} minutes`}`;
    const first = credential === 'session' ? '' : ` That takes a person: ${credential} is set, so unset it first.`;
    return `This is only for who has ${when}.${first} Run: vitae login --again`;
  }
  if (credential === 'session') return 'Your session has ended. Run: vitae login';
  return `The token in ${credential} is not accepted: it has expired, was revoked, or is for another Vitae. Make another: vitae tokens create; or unset ${credential} and run: vitae login`;
}

/** The detail says what is missing and which roles have it; this is what one has. */
const toBeAllowed = ({ projectId }: Readonly<Record<string, unknown>>): string => `What you may do: vitae whoami${typeof projectId === 'string' ? ` --project ${projectId}` : ''}`;

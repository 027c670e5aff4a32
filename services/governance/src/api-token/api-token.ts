import { create } from '@bufbuild/protobuf';
import { ApiTokenIssuedSchema, ApiTokenRevokedSchema, type ApiTokenIssued, type ApiTokenRevoked } from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';
import type { Caller } from './caller.ts';

/**
 * A part of what a person may do, given to a machine for a while.
 *
 *   none ──issue──► issued ──revoke (its owner, or an administrator)──► revoked
 *
 * That its time is over is no event: it was said when it was issued.
 */
export type ApiTokenEvent = ApiTokenIssued | ApiTokenRevoked;

export type ApiTokenCommand =
  | {
      readonly type: 'IssueApiToken';
      readonly tokenId: string;
      readonly name: string;
      readonly by: Caller;
      /** Names, or `*` alone. */
      readonly projects: readonly string[];
      readonly permissions: readonly string[];
      /** RFC 3339, in UTC. */
      readonly now: string;
      readonly expiresAt: string;
    }
  | { readonly type: 'RevokeApiToken'; readonly tokenId: string; readonly by: Pick<Caller, 'id' | 'administrator'> };

export type ApiTokenRefusal = 'HUMAN_REQUIRED' | 'PERMISSION_UNKNOWN' | 'PERMISSION_OF_PEOPLE' | 'PERMISSION_NOT_YOURS' | 'EXPIRY_OUT_OF_RANGE' | 'API_TOKEN_NOT_FOUND';

export type ApiTokenState = { readonly state: 'none' } | { readonly state: 'issued' | 'revoked'; readonly name: string; readonly owner: string };

/** How long a token lives, in days: unless its maker says, and at most. */
export const API_TOKEN_DAYS = { usual: 30, most: 365 } as const;
export const DAY_MS = 86_400_000;

const refuse = (reason: ApiTokenRefusal, message: string, status: 403 | 404 | 422): Refused => new Refused(reason, message, status);

export const noSuchApiToken = (id: string): Refused => refuse('API_TOKEN_NOT_FOUND', `There is no API token ${id} among those that you may see. List them at /v1/api-tokens.`, 404);

export const apiToken: Decider<ApiTokenState, ApiTokenCommand, ApiTokenEvent> = {
  category: 'governance.ApiToken',
  initial: { state: 'none' },

  decide(command, current): readonly ApiTokenEvent[] {
    switch (command.type) {
      case 'IssueApiToken': {
        if (current.state !== 'none') return [];
        const { tokenId, name, by, projects, permissions, now, expiresAt } = command;
        // A machine that could make tokens would never have to end.
        if (!by.human) throw refuse('HUMAN_REQUIRED', `${by.id} is not a human, and only people give tokens to machines. Have somebody make it who answers for what it does.`, 403);
        for (const project of projects) for (const permission of permissions) mustBeGivable(by, permission, project);
        const life = Date.parse(expiresAt) - Date.parse(now);
        if (life <= 0 || life > API_TOKEN_DAYS.most * DAY_MS) {
          throw refuse('EXPIRY_OUT_OF_RANGE', `A token ends after now and within ${API_TOKEN_DAYS.most} days; ${expiresAt} does not. Choose another time, or leave expiresAt out for ${API_TOKEN_DAYS.usual} days.`, 422);
        }
        return [create(ApiTokenIssuedSchema, { tokenId, name, owner: by.id, projects: [...projects], permissions: [...permissions], expiresAt })];
      }
      case 'RevokeApiToken': {
        const { tokenId, by } = command;
        if (current.state === 'none' || (current.owner !== by.id && !by.administrator)) throw noSuchApiToken(tokenId);
        return current.state === 'revoked' ? [] : [create(ApiTokenRevokedSchema, { tokenId, name: current.name, owner: current.owner })];
      }
    }
  },

  evolve(current, event): ApiTokenState {
    switch (event.$typeName) {
      case 'vitae.governance.v1.ApiTokenIssued':
        return { state: 'issued', name: event.name, owner: event.owner };
      case 'vitae.governance.v1.ApiTokenRevoked':
        return { state: 'revoked', name: event.name, owner: event.owner };
    }
  },
};

function mustBeGivable(by: Caller, permission: string, project: string): void {
  const where = project === '*' ? 'in all projects' : `in project ${project}`;
  switch (by.giving(permission, project)) {
    case 'unknown':
      throw refuse('PERMISSION_UNKNOWN', `There is no permission ${permission}. The OpenAPI document of each service names those of its routes.`, 422);
    case 'people-only':
      throw refuse('PERMISSION_OF_PEOPLE', `${permission} belongs to people: no machine approves. Leave it out.`, 403);
    case 'not-yours':
      throw refuse('PERMISSION_NOT_YOURS', `${by.id} does not have ${permission} ${where} and cannot give it away. Leave it out, or ask somebody who has it.`, 403);
    case 'ok':
      return;
  }
}

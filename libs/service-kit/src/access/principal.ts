import { PERMISSION_NAMES, RECENT_LOGIN_S, roleMay, ruleOf, type EnvironmentClass, type Permission, type Role } from './permissions.ts';

/** Something that was given, in some projects or in all (`*`): a role, or the permissions of an API token. */
export type Grant =
  | { readonly projects: readonly string[]; readonly role: Role }
  | { readonly projects: readonly string[]; readonly permissions: readonly Permission[] };

/** Who sent a request, as far as it was proved. */
export interface Principal {
  /** A person; a machine with credentials of its own; one of Vitae's services. */
  readonly kind: 'human' | 'machine' | 'service';
  /** A person's pseudonym, a machine's name, a service's client id: the actor of events. */
  readonly id: string;
  /** The person for whom a machine acts; empty when it acts for itself. */
  readonly onBehalfOf: string;
  readonly grants: readonly Grant[];
  /** When the person logged in, in seconds since 1970; absent where the issuer does not say. */
  readonly authTime?: number;
}

/** A route of the whole installation is asked with this project: a grant on `*` alone reaches it. */
export const INSTALLATION = '*';

const reaches = ({ projects }: Grant, projectId: string): boolean => projects.includes('*') || (projectId !== INSTALLATION && projects.includes(projectId));

/**
 * Whether the principal has the permission in a project (or on the whole installation).
 * @param environmentClass without it: in environments of one class at least; a command that names an environment asks again, with it.
 */
export function may({ kind, grants }: Pick<Principal, 'kind' | 'grants'>, permission: Permission, projectId: string, environmentClass?: string): boolean {
  if (kind !== 'human' && ruleOf(permission).peopleOnly) return false;
  return grants.some((grant) => reaches(grant, projectId) && ('role' in grant ? roleMay(grant.role, permission, environmentClass) : grant.permissions.includes(permission)));
}

/** Whether the permission is held in some project, whichever. */
export const maySomewhere = (principal: Pick<Principal, 'kind' | 'grants'>, permission: Permission): boolean =>
  principal.grants.some(({ projects }) => projects.some((projectId) => may(principal, permission, projectId)));

/** Whether there is any grant at all that reaches the project: who has none learns nothing of what is in it. */
export const belongsTo = ({ grants }: Pick<Principal, 'grants'>, projectId: string): boolean => grants.some((grant) => reaches(grant, projectId));

/** Everything that the principal may do in a project. */
export const permissionsIn = (principal: Pick<Principal, 'kind' | 'grants'>, projectId: string): Permission[] => PERMISSION_NAMES.filter((permission) => may(principal, permission, projectId));

/**
 * Whether one may hand a permission on to an API token: it must be held in environments of every class, since a token is
 * not bound to one, and some are for people alone.
 */
export function mayHandOn(principal: Principal, permission: Permission, projectId: string): boolean {
  const classes: readonly EnvironmentClass[] = ['development', 'staging', 'production'];
  return principal.kind === 'human' && !ruleOf(permission).peopleOnly && classes.every((environmentClass) => may(principal, permission, projectId, environmentClass));
}

/** Whether the person logged in within the last `RECENT_LOGIN_S`. A machine never logs in. */
export function loggedInRecently({ authTime }: Pick<Principal, 'authTime'>, nowSeconds: number): boolean {
  return authTime !== undefined && nowSeconds - authTime <= RECENT_LOGIN_S;
}

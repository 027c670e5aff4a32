import { Problem } from '../problem.ts';
import { PERMISSIONS, RECENT_LOGIN_S, type Permission, type PermissionRule } from './permissions.ts';
import { INSTALLATION, may, type Principal } from './principal.ts';

/** Somebody who is known may not have what he wanted. Whoever tells the caller tells the audit, too. */
export class AccessRefused extends Problem {
  constructor(
    readonly permission: Permission,
    /** `*` for the whole installation. */
    readonly projectId: string,
    readonly why: 'no-permission' | 'login-too-old',
    ...problem: ConstructorParameters<typeof Problem>
  ) {
    super(...problem);
  }
}

/**
 * For rights that depend on what is found: a class of environment, an approval role, the project of what an address names.
 * @throws Problem 403 `permission-missing`.
 */
export function mustHave(principal: Principal | undefined, permission: Permission, projectId: string, environmentClass?: string): void {
  if (principal === undefined || may(principal, permission, projectId, environmentClass)) return;
  throw permissionMissing([permission], projectId, environmentClass);
}

export function permissionMissing(permissions: readonly [Permission, ...Permission[]], projectId: string, environmentClass?: string): AccessRefused {
  const where = `${projectId === INSTALLATION ? 'the whole installation' : `project ${projectId}`}${environmentClass === undefined ? '' : `, in ${environmentClass}`}`;
  const rules: readonly PermissionRule[] = permissions.map((permission) => PERMISSIONS[permission]);
  const roles = [...new Set(rules.flatMap((rule) => rule.roles))];
  const wanted = permissions.join(' or ');
  return new AccessRefused(
    permissions[0],
    projectId,
    'no-permission',
    403,
    'permission-missing',
    'The caller may not do this',
    `This needs ${wanted} on ${where}: to ${rules.map(({ says }) => says).join('; or to ')}. Who has it: ${roles.join(', ')}. Ask whoever gives roles in your organisation.`,
    { members: { permissions, projectId: projectId === INSTALLATION ? null : projectId, roles, ...(environmentClass === undefined ? {} : { environmentClass }) } },
  );
}

/** RFC 9470: who has not logged in recently enough for this is told to do so again. */
export const loginTooOld = (permission: Permission, projectId: string): AccessRefused =>
  new AccessRefused(permission, projectId, 'login-too-old', 401, 'login-too-old', 'A recent login is needed', `${permission} wants a person who has logged in within the last ${RECENT_LOGIN_S / 60} minutes. Log in again (vitae login --again), and repeat it.`, {
    members: { permission, maxAge: RECENT_LOGIN_S },
    headers: { 'WWW-Authenticate': `Bearer realm="vitae", error="insufficient_user_authentication", max_age=${RECENT_LOGIN_S}` },
  });

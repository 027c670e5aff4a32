import { Problem } from '../problem.ts';
import { PERMISSIONS, type Permission, type PermissionRule } from './permissions.ts';
import { INSTALLATION, may, type Principal } from './principal.ts';

/**
 * For rights that depend on what is found: a class of environment, an approval role, the project of what an address names.
 * @throws Problem 403 `permission-missing`.
 */
export function mustHave(principal: Principal | undefined, permission: Permission, projectId: string, environmentClass?: string): void {
  if (principal === undefined || may(principal, permission, projectId, environmentClass)) return;
  throw permissionMissing([permission], projectId, environmentClass);
}

export function permissionMissing(permissions: readonly Permission[], projectId: string, environmentClass?: string): Problem {
  const where = `${projectId === INSTALLATION ? 'the whole installation' : `project ${projectId}`}${environmentClass === undefined ? '' : `, in ${environmentClass}`}`;
  const rules: readonly PermissionRule[] = permissions.map((permission) => PERMISSIONS[permission]);
  const roles = [...new Set(rules.flatMap((rule) => rule.roles))];
  const wanted = permissions.join(' or ');
  return new Problem(
    403,
    'permission-missing',
    'The caller may not do this',
    `This needs ${wanted} on ${where}: to ${rules.map(({ says }) => says).join('; or to ')}. Who has it: ${roles.join(', ')}. Ask whoever gives roles in your organisation.`,
    { members: { permissions, projectId: projectId === INSTALLATION ? null : projectId, roles, ...(environmentClass === undefined ? {} : { environmentClass }) } },
  );
}

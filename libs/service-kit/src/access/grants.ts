import { z } from 'zod';
import { ROLES, type Role } from './permissions.ts';
import type { Grant } from './principal.ts';

const projects = z.array(z.string().regex(/^(\*|[a-z0-9][a-z0-9-]{0,62})$/, 'expected the name of a project, or "*"')).min(1).max(10_000);
const role = z.enum(Object.keys(ROLES) as [Role, ...Role[]]);
const name = z.string().min(1).max(256);

/**
 * The document that says who has what role where. `group` is one of the token's groups, `client` a client that acts by
 * itself (OAuth 2 client credentials), `subject` the subject of a workload's token
 * (`system:serviceaccount:<namespace>:<name>`).
 */
export const grantsDocument = z.strictObject({
  grants: z
    .array(
      z.union([z.strictObject({ group: name, role, projects }), z.strictObject({ client: name, role, projects }), z.strictObject({ subject: name, role, projects })], {
        error: 'expected one of group, client and subject, with role and projects',
      }),
    )
    .max(10_000),
});
export type GrantsDocument = z.infer<typeof grantsDocument>;

/** What is known of who sent a token. A field that says nothing matches nothing. */
export interface Bearer {
  readonly groups: readonly string[];
  readonly client?: string | undefined;
  readonly subject?: string | undefined;
}

export function grantsOf({ grants }: GrantsDocument, { groups, client, subject }: Bearer): Grant[] {
  return grants
    .filter((grant) => ('group' in grant ? groups.includes(grant.group) : 'client' in grant ? grant.client === client : grant.subject === subject))
    .map((grant) => ({ role: grant.role, projects: grant.projects }));
}

/** In which a person judges. Held by the role that somebody was granted; nobody holds one by being an administrator. */
export const APPROVAL_ROLES = ['business-owner', 'model-risk'] as const;
export type ApprovalRole = (typeof APPROVAL_ROLES)[number];

/** A role that somebody was granted, and where. */
export interface Granted {
  /** Absent in the grants of an API token, which gives permissions and no role. */
  readonly role?: string;
  /** Exact names, or `*` for all. */
  readonly projects: readonly string[];
}

/** Which role lets its people judge as what. Every role that is not here judges as nothing, the administrator's among them. */
const JUDGES: Readonly<Record<string, ApprovalRole>> = { 'business-owner': 'business-owner', 'risk-officer': 'model-risk', validator: 'model-risk' };

/** The approval roles that these grants give in a project. Without a project: those that they give in every project. */
export function approvalRolesOf(grants: readonly Granted[], project?: string): readonly ApprovalRole[] {
  const there = grants.filter(({ projects }) => projects.includes('*') || (project !== undefined && projects.includes(project)));
  return APPROVAL_ROLES.filter((role) => there.some((grant) => JUDGES[grant.role ?? ''] === role));
}

/** Whether these grants make somebody an administrator of a project; without a project: of all. */
export const administers = (grants: readonly Granted[], project?: string): boolean =>
  grants.some(({ role, projects }) => role === 'administrator' && (projects.includes('*') || (project !== undefined && projects.includes(project))));

/** What a request shows of its caller's rights. */
export interface Caller {
  readonly principal?: { readonly grants: readonly Granted[] } | undefined;
}

/** The approval roles that a caller holds himself. */
export const heldBy = ({ principal }: Caller, project?: string): readonly ApprovalRole[] => approvalRolesOf(principal?.grants ?? [], project);

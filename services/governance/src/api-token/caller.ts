/** What becomes of the wish to give a permission in a project to a machine. */
export type Giving =
  | 'ok'
  /** There is no such permission. */
  | 'unknown'
  /** Approvals: no machine ever has them. */
  | 'people-only'
  /** The caller does not have it there. */
  | 'not-yours';

/** Who calls, as far as tokens and people ask. Made of the verified principal and the table of permissions. */
export interface Caller {
  /** The pseudonym of a person, the name of a machine or a service. */
  readonly id: string;
  readonly human: boolean;
  /** Sees and ends the tokens of others. */
  readonly administrator: boolean;
  /** @param project a project's name, or `*` for all, those to come included. */
  giving(permission: string, project: string): Giving;
}

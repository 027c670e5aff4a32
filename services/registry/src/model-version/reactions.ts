/** A retirement that governance approved and that was not carried out yet. */
export interface ApprovedRetirement {
  readonly retirementId: string;
  readonly modelVersionId: string;
}

/** What is known when something changed: who may go, and who serves. */
export interface RetirementState {
  readonly approved: readonly ApprovedRetirement[];
  /** Versions to which any endpoint sends requests. */
  readonly serving: ReadonlySet<string>;
}

/**
 * The retirements to carry out now: approved, and without traffic. One that still has traffic waits; it is
 * looked at again whenever traffic shifts.
 *
 *   approved ── traffic gone ──► due ── bytes archived ──► retired
 */
export function dueRetirements({ approved, serving }: RetirementState): readonly ApprovedRetirement[] {
  return approved.filter(({ modelVersionId }) => !serving.has(modelVersionId));
}

/**
 * Whether PostgreSQL refused a statement because of this constraint or unique index, by its name: how a rule
 * that the database enforces is told apart from a fault. Looks through the wrappers that drivers put around.
 */
export function violates(error: unknown, constraint: string): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ((at as { constraint?: unknown }).constraint === constraint) return true;
  }
  return false;
}

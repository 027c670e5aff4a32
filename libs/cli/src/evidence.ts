import { CannotRun, type Outcome } from './outcome.ts';
import type { TrustOptions } from './trust-options.ts';

/** Checks an evidence file (.vitae-evidence, a zip) without network. `vitae verify` comes here when a file begins like a zip. */
export async function verifyEvidence(path: string, _options: TrustOptions & { readonly policy?: string }): Promise<Outcome> {
  throw new CannotRun(`${path} is an evidence file; this version cannot read those.`);
}

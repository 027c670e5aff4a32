import { baseConfig, port, wholeNumber } from '@vitae/service-kit';
import type { z } from 'zod';

export const ledgerConfig = baseConfig.extend({
  PORT: port(7405),
  /** Longest the sequencer waits when no hint comes, in milliseconds. Hints may be lost; events may not. */
  VITAE_SEQUENCER_POLL_MS: wholeNumber(50, 1, 60_000),
});
export type LedgerConfig = z.infer<typeof ledgerConfig>;

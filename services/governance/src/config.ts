import { baseConfig, port, wholeNumber } from '@vitae/service-kit';
import type { z } from 'zod';

export const governanceConfig = baseConfig.extend({
  PORT: port(7402),
  /** How long the right to act on an allowing decision lasts, in minutes. */
  VITAE_PERMIT_MINUTES: wholeNumber(15, 1, 1_440),
});
export type GovernanceConfig = z.infer<typeof governanceConfig>;

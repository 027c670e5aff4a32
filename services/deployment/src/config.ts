import { baseConfig, httpUrl, port, wholeNumber } from '@vitae/service-kit';
import type { z } from 'zod';

export const deploymentConfig = baseConfig.extend({
  PORT: port(7403),
  /** The runtime that the local driver drives. */
  RUNTIME_URL: httpUrl('http://127.0.0.1:7406'),
  /** Where the runtime fetches models from. */
  REGISTRY_URL: httpUrl('http://127.0.0.1:7401'),
  /** Longest between two looks at what is served, in milliseconds. */
  VITAE_RECONCILE_MS: wholeNumber(500, 10, 60_000),
});
export type DeploymentConfig = z.infer<typeof deploymentConfig>;

import { baseConfig, httpUrl, port, wholeNumber } from '@vitae/service-kit';
import { z } from 'zod';

export const deploymentConfig = baseConfig
  .extend({
    PORT: port(7403),
    /** The runtime that the local driver drives. */
    RUNTIME_URL: httpUrl('http://127.0.0.1:7406'),
    /** Where the runtime fetches models from. */
    REGISTRY_URL: httpUrl('http://127.0.0.1:7401'),
    RUNTIME_ADMIN_TOKEN: z.string().min(16).optional().describe('the secret of at least 16 characters that the runtime asks of callers of /admin'),
    /** Longest between two looks at what is served, in milliseconds. */
    VITAE_RECONCILE_MS: wholeNumber(500, 10, 60_000),
  })
  .refine((config) => config.VITAE_MODE === 'local' || config.RUNTIME_ADMIN_TOKEN !== undefined, {
    path: ['RUNTIME_ADMIN_TOKEN'],
    error: 'the secret of at least 16 characters that the runtime asks of callers of /admin (in cluster mode it always does)',
  });
export type DeploymentConfig = z.infer<typeof deploymentConfig>;

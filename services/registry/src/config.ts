import { baseConfig, port, wholeNumber } from '@vitae/service-kit';
import type { z } from 'zod';

const MEGABYTE = 1024 * 1024;

export const registryConfig = baseConfig.extend({
  PORT: port(7401),
  /** Largest artefact that is taken, in bytes. */
  VITAE_MAX_ARTEFACT_BYTES: wholeNumber(512 * MEGABYTE, 1, 1024 * 1024 * MEGABYTE),
  /** How much memory reading one dataset may take before it spills to disk, in megabytes. */
  VITAE_DATASET_MEMORY_MB: wholeNumber(512, 128, 1024 * 1024),
});
export type RegistryConfig = z.infer<typeof registryConfig>;

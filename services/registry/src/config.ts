import { baseConfig, port, projectId, wholeNumber } from '@vitae/service-kit';
import { z } from 'zod';

const MEGABYTE = 1024 * 1024;

export const registryConfig = baseConfig.extend({
  PORT: port(7401),
  /** Largest artefact that is taken, in bytes. */
  VITAE_MAX_ARTEFACT_BYTES: wholeNumber(512 * MEGABYTE, 1, 1024 * 1024 * MEGABYTE),
  /** An object store for artefacts, instead of the data directory: `s3://bucket/prefix`. Credentials by AWS's own variables. */
  VITAE_ARTEFACTS: z
    .string()
    .regex(/^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[A-Za-z0-9._/-]*)?$/)
    .optional()
    .describe('an address such as s3://bucket/prefix'),
  /** Where that object store is, if it is not AWS. */
  VITAE_S3_ENDPOINT: z.url({ protocol: /^https?$/ }).optional().describe('an http:// or https:// address'),
  /** How much memory reading one dataset may take before it spills to disk, in megabytes. */
  VITAE_DATASET_MEMORY_MB: wholeNumber(512, 128, 1024 * 1024),
  /** How much reading one dataset may spill to disk, in megabytes. */
  VITAE_DATASET_SPILL_MB: wholeNumber(8 * 1024, 128, 1024 * 1024),
  /** The project that MLflow's clients reach at the root, without `/t/<project>`. */
  VITAE_MLFLOW_PROJECT: projectId.default('default'),
  /** A server of OpenLineage that is sent what happens here, e.g. https://lineage.example.org/api/v1/lineage. Left out: none is. */
  VITAE_OPENLINEAGE_URL: z.url({ protocol: /^https?$/ }).optional().describe('an http:// or https:// address'),
  /** What it is sent as a bearer token. */
  VITAE_OPENLINEAGE_API_KEY: z.string().min(1).max(4_096).optional().describe('a token'),
  /** 32 random bytes in base64 that seal the secrets of MLflow's webhooks, the same for all replicas. Made by itself in local mode. */
  VITAE_WEBHOOK_KEY_FILE: z.string().min(1).optional().describe('a file with 32 random bytes in base64'),
  /** Lets webhooks lead to http:// and private addresses: for development on one machine, and only in local mode. */
  VITAE_WEBHOOK_ALLOW_PRIVATE: z.enum(['true', 'false']).prefault('false').transform((text) => text === 'true').describe('true or false'),
  /** Longest that a receiver may take for one message, in milliseconds. */
  VITAE_WEBHOOK_TIMEOUT_MS: wholeNumber(10_000, 100, 60_000),
  /** Wait after the first failure, in milliseconds; it doubles from try to try. */
  VITAE_WEBHOOK_FIRST_RETRY_MS: wholeNumber(5_000, 10, 60_000),
});
export type RegistryConfig = z.infer<typeof registryConfig>;

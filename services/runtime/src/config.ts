import { baseConfig, httpUrl, port, wholeNumber } from '@vitae/service-kit';
import type { z } from 'zod';

export const runtimeConfig = baseConfig.extend({
  PORT: port(7406),
  /** Whose model files are fetched with this service's own token; an artefact's address elsewhere gets none. */
  REGISTRY_URL: httpUrl('http://127.0.0.1:7401'),
  /** Where the inference log goes. */
  MONITORING_URL: httpUrl('http://127.0.0.1:7404'),
  /** Inferences that may be at work at once; one more is answered 429. */
  RUNTIME_MAX_CONCURRENT: wholeNumber(64, 1, 10_000),
  /** Largest body of an inference request, in bytes. */
  RUNTIME_MAX_BODY_BYTES: wholeNumber(10 * 1024 * 1024, 1_024, 1024 * 1024 * 1024),
  /** Largest model file, in bytes. */
  RUNTIME_MAX_ARTEFACT_BYTES: wholeNumber(512 * 1024 * 1024, 1_024, 64 * 1024 * 1024 * 1024),
  /** Threads that one inference may use inside ONNX Runtime. */
  RUNTIME_THREADS: wholeNumber(1, 1, 256),
  /** Logged inferences that may wait for monitoring, and the bytes they may hold. Beyond either the newest is dropped and counted. */
  RUNTIME_LOG_QUEUE: wholeNumber(20_000, 1, 10_000_000),
  RUNTIME_LOG_QUEUE_BYTES: wholeNumber(64 * 1024 * 1024, 1_024, 64 * 1024 * 1024 * 1024),
});
export type RuntimeConfig = z.infer<typeof runtimeConfig>;

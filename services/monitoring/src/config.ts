import { baseConfig, httpUrl, port, wholeNumber } from '@vitae/service-kit';
import type { z } from 'zod';

export const monitoringConfig = baseConfig.extend({
  PORT: port(7404),
  REGISTRY_URL: httpUrl('http://127.0.0.1:7401'),
  /** Size and age to which the inference stream is kept; both for when it is made. */
  VITAE_INFERENCE_MAX_BYTES: wholeNumber(1_073_741_824, 1_048_576, 1_099_511_627_776),
  VITAE_INFERENCE_MAX_AGE_HOURS: wholeNumber(24, 1, 720),
  /** How long the stream goes on before a request without a response counts as lost. */
  VITAE_RESPONSE_WAIT_SECONDS: wholeNumber(120, 1, 3_600),
  /** How long predictions are kept for their labels. */
  VITAE_LABEL_WAIT_DAYS: wholeNumber(30, 1, 3_650),
});
export type MonitoringConfig = z.infer<typeof monitoringConfig>;

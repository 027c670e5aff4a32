import { baseConfig, httpUrl, port } from '@vitae/service-kit';
import type { z } from 'zod';

export const consoleConfig = baseConfig.extend({
  PORT: port(7400),
  REGISTRY_URL: httpUrl('http://127.0.0.1:7401'),
  GOVERNANCE_URL: httpUrl('http://127.0.0.1:7402'),
  DEPLOYMENT_URL: httpUrl('http://127.0.0.1:7403'),
  MONITORING_URL: httpUrl('http://127.0.0.1:7404'),
  LEDGER_URL: httpUrl('http://127.0.0.1:7405'),
  RUNTIME_URL: httpUrl('http://127.0.0.1:7406'),
});
export type ConsoleConfig = z.infer<typeof consoleConfig>;

import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { CONFIG, Readiness } from '@vitae/service-kit';
import type { ConsoleConfig } from '../config.ts';
import { routes, type Route, type Services } from './routes.ts';

/** The services behind the door: where they are, and whether they are ready. The door is ready when all of them are. */
@Injectable()
export class ServicesClient implements OnModuleInit {
  readonly routes: readonly Route[];
  readonly names: readonly string[];
  readonly #services: Services;

  constructor(
    @Inject(CONFIG) config: ConsoleConfig,
    private readonly readiness: Readiness,
  ) {
    this.#services = {
      registry: config.REGISTRY_URL,
      governance: config.GOVERNANCE_URL,
      deployment: config.DEPLOYMENT_URL,
      monitoring: config.MONITORING_URL,
      ledger: config.LEDGER_URL,
      runtime: config.RUNTIME_URL,
    };
    this.routes = routes(this.#services);
    this.names = Object.keys(this.#services);
  }

  onModuleInit(): void {
    for (const [service, url] of Object.entries(this.#services) as [string, string][]) {
      this.readiness.register(service, () => ready(service, url));
    }
  }
}

async function ready(service: string, url: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(1_500) }).catch((cause: unknown) => {
    throw new Error(`${service} does not answer at ${url}`, { cause });
  });
  const answer = (await response.json()) as { detail?: string; consumers?: unknown };
  if (!response.ok) throw new Error(answer.detail ?? `${service} is not ready`);
  return answer.consumers === undefined ? {} : { consumers: answer.consumers };
}

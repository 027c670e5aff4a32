import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, ServiceToken, traceHeaders } from '@vitae/service-kit';
import { z } from 'zod';
import type { DeploymentConfig } from '../config.ts';

const Observed = z.array(
  z.object({
    endpointName: z.string(),
    variants: z.array(
      z.object({ variantId: z.string(), state: z.enum(['loading', 'ready', 'failed']), reason: z.string().optional(), weight: z.number() }),
    ),
  }),
);
export type Observed = z.infer<typeof Observed>[number];

/** One endpoint as the runtime shall serve it: all of it at once. */
export interface RuntimeRoute {
  readonly projectId: string;
  readonly endpointId: string;
  readonly variants: readonly {
    readonly variantId: string;
    readonly modelVersionId: string;
    readonly version: number;
    readonly weight: number;
    readonly artefactUrl: string;
    /** Of the file at that address. */
    readonly digest: string;
  }[];
}

/** Longest that the runtime is waited for, in milliseconds. */
const PATIENCE = 5_000;

/** The local driver: Vitae's own runtime, by its /admin routes. Rejects when the runtime is away or says no. */
@Injectable()
export class Runtime {
  constructor(
    @Inject(CONFIG) private readonly config: DeploymentConfig,
    private readonly serviceToken: ServiceToken,
  ) {}

  /** What is served now, by the endpoint's name. */
  async observe(): Promise<ReadonlyMap<string, Observed>> {
    const observed = Observed.parse(await this.#call('GET', ''));
    return new Map(observed.map((endpoint) => [endpoint.endpointName, endpoint]));
  }

  /** Says what shall be served. Harmless when repeated; loading goes on after the answer. */
  async apply(name: string, route: RuntimeRoute): Promise<void> {
    await this.#call('PUT', `/${encodeURIComponent(name)}`, route);
  }

  async #call(method: string, path: string, body?: RuntimeRoute): Promise<unknown> {
    const url = `${this.config.RUNTIME_URL}/admin/endpoints${path}`;
    const authorization = await this.serviceToken.authorizationHeader();
    const response = await fetch(url, {
      method,
      headers: { ...traceHeaders(), ...(body ? { 'content-type': 'application/json' } : {}), ...authorization },
      redirect: 'error',
      body: body ? JSON.stringify(body) : null,
      signal: AbortSignal.timeout(PATIENCE),
    }).catch((error: Error) => {
      throw new Error(`the runtime cannot be reached at ${url}: ${(error.cause as Error | undefined)?.message || error.message}`, { cause: error });
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`the runtime answered ${response.status} to ${method} ${url}: ${text.slice(0, 500)}`);
    return JSON.parse(text);
  }
}

import type { Type } from '@nestjs/common';
import type { EntitySchema } from '@mikro-orm/core';
import type { z } from 'zod';
import type { BaseConfig } from './config.ts';
import type { Problem } from './problem.ts';
import type { Projection } from './rebuild/projection.ts';

/** What makes a service: its name, its one Nest module, its configuration and, where it has one, its database. */
export interface ServiceDefinition<C extends BaseConfig = BaseConfig> {
  /** The service's word in streams, subjects, logs, spans and metrics: `registry`. */
  readonly name: string;
  /** The service's one Nest module: its composition root. */
  readonly module: Type;
  /** Extends `baseConfig`; parsed once, injected by `@Inject(CONFIG)`. */
  readonly config: z.ZodType<C>;
  /** Absent: the service has no database, and `Ledger`, `EntityManager` and consumers are not there to inject. */
  readonly database?: {
    /** The PostgreSQL schema of the service's own tables. */
    readonly schema: string;
    /** Directory of numbered SQL files: `new URL('../migrations/', import.meta.url)`. */
    readonly migrations: URL;
    /** The views' entities. */
    readonly entities: readonly EntitySchema[];
    /** How the views are written from the ledger: with it they can be rebuilt. */
    readonly projections?: readonly Projection[];
  };
  /** Largest JSON body, e.g. `4mb`. Default: 1mb. `false`: bodies are not parsed, as a front door needs that passes them on. */
  readonly jsonLimit?: string | false;
  /** Addresses at which a body is bytes, also one that calls itself JSON: it is left to be streamed. */
  readonly bytesAt?: (path: string) => boolean;
  /** How an error is told where a foreign protocol has a form of its own. Undefined: as a problem document. */
  readonly errorAnswer?: (problem: Problem, path: string) => { readonly status: number; readonly body: object } | undefined;
  /** A front door: it looks at nobody's credentials, the services behind it do. Its routes are `@Public`. */
  readonly passesCredentialsOn?: true;
  /** Whether it calls other services: outside of local mode it then needs a credential of its own. Default: false. */
  readonly callsServices?: boolean;
  /** Whether the service connects to NATS. Default: true when it has a database, else false. */
  readonly broker?: boolean;
}

/** Injection token of the running service's definition. */
export const DEFINITION = Symbol('vitae.definition');

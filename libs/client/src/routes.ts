import createClient, { type Client } from 'openapi-fetch';
import type { Connection } from './connection.ts';
import type { paths as Deployment } from './gen/deployment.ts';
import type { paths as Governance } from './gen/governance.ts';
import type { paths as Ledger } from './gen/ledger.ts';
import type { paths as Monitoring } from './gen/monitoring.ts';
import type { paths as Registry } from './gen/registry.ts';

/** Every route of the services, as their OpenAPI documents tell of them: `routes.registry.GET('/v1/projects/{projectId}/models', …)`. */
export interface Routes {
  readonly registry: Client<Registry>;
  readonly governance: Client<Governance>;
  readonly deployment: Client<Deployment>;
  readonly monitoring: Client<Monitoring>;
  readonly ledger: Client<Ledger>;
}

export function routesOver(connection: Connection): Routes {
  const of = <Paths extends object>(service: string): Client<Paths> => createClient<Paths>({ baseUrl: connection.addressOf(service), fetch: connection.send });
  return { registry: of('registry'), governance: of('governance'), deployment: of('deployment'), monitoring: of('monitoring'), ledger: of('ledger') };
}

/** The JSON that a route answers with when all is well. */
export type AnswerOf<Operation> = Operation extends { responses: infer R }
  ? R extends { 200: { content: { 'application/json': infer Body } } } | { 201: { content: { 'application/json': infer Body } } }
    ? Body
    : never
  : never;
/** The JSON that a route takes. */
export type BodyOf<Operation> = Operation extends { requestBody: { content: { 'application/json': infer Body } } } ? Body : never;
export type QueryOf<Operation> = Operation extends { parameters: { query?: infer Query } } ? NonNullable<Query> : never;

/** What a route answered. Everything else has been thrown already. */
export async function answered<Data>(reply: Promise<{ readonly data?: Data; readonly response: Response }>): Promise<NonNullable<Data>> {
  const { data, response } = await reply;
  if (data === undefined || data === null) throw new Error(`${response.url} answered ${response.status} without what was asked for`);
  return data;
}

import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { ACCESS_EXTENSION, type RouteAccess } from './access/needs.ts';
import type { ServiceDefinition } from './definition.ts';
import { Problem } from './problem.ts';

const PROBLEM_SCHEMA = {
  type: 'object' as const,
  description: 'RFC 9457 problem details',
  required: ['type', 'title', 'status', 'detail', 'instance'],
  properties: {
    type: { type: 'string' as const, format: 'uri', example: 'https://vitae.dev/problems/model-not-found' },
    title: { type: 'string' as const },
    status: { type: 'integer' as const },
    detail: { type: 'string' as const, description: 'What happened, to what, and what to do.' },
    instance: { type: 'string' as const },
    reason: { type: 'string' as const, description: 'Why the rules refused the command.' },
    errors: {
      type: 'array' as const,
      items: {
        type: 'object' as const,
        required: ['pointer', 'detail'],
        properties: { pointer: { type: 'string' as const }, detail: { type: 'string' as const }, in: { type: 'string' as const, enum: ['query', 'path'] } },
      },
    },
    traceId: { type: 'string' as const },
  },
};

/** Serves /openapi.json, written from the routes and their schemas when it is first asked for. */
export function serveOpenApi(app: INestApplication, definition: Described, version: string): void {
  let document: OpenAPIObject | undefined;
  SwaggerModule.setup('openapi', app, () => (document ??= documentOf(app, definition, version)), { ui: false, raw: ['json'], jsonDocumentUrl: '/openapi.json' });
}

/** What of a service's definition its document tells. */
type Described = Pick<ServiceDefinition, 'name' | 'errorAnswer'>;

export function documentOf(app: INestApplication, { name: service, errorAnswer }: Described, version: string): OpenAPIObject {
  const base = new DocumentBuilder()
    .setTitle(`Vitae ${service}`)
    .setVersion(version)
    .setDescription(`The ${service} service of Vitae. Every error is a problem document (RFC 9457).`)
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'An access token of the OpenID issuer, or an API token of Vitae.' }, 'token')
    .addBasicAuth({ type: 'http', scheme: 'basic', description: 'An API token as the password, for clients that know no other way; the name does not matter.' }, 'basic')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .build();
  const described = SwaggerModule.createDocument(app, base);
  described.components = { ...described.components, schemas: { ...described.components?.schemas, Problem: PROBLEM_SCHEMA } };
  for (const [address, path] of Object.entries(described.paths)) {
    for (const operation of Object.values(path) as Operation[]) {
      sayAccess(operation);
      // By hand and not by addGlobalResponse: that one is kept for the process, and several services may share one.
      if (operation.responses) operation.responses['default'] = errorAnswer?.(SOME_PROBLEM, address) ? FOREIGN_RESPONSE : PROBLEM_RESPONSE;
      if (operation.responses) operation.parameters = [...unnamedIn(address, operation.parameters), ...(operation.parameters ?? []).filter((parameter) => standsIn(address, parameter))];
    }
  }
  return described;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
}
interface Operation {
  [ACCESS_EXTENSION]?: RouteAccess;
  security?: readonly object[];
  description?: string;
  responses?: Record<string, unknown>;
  parameters?: readonly Parameter[];
}

/** Which credentials a route takes, and what they must be good for. */
function sayAccess(operation: Operation): void {
  const access = operation[ACCESS_EXTENSION];
  if (!access) return;
  operation.security = access.type === 'public' ? [] : [{ token: [] }, { basic: [] }];
  const says = access.type === 'needs' ? `Needs ${access.permissions.join(' or ')}.` : access.type === 'known' ? 'For everybody who is known.' : 'For everybody.';
  operation.description = [operation.description, says].filter(Boolean).join('\n\n');
}

/** A method may have several addresses, and read a part that only some of them have. */
const standsIn = (address: string, parameter: Parameter): boolean => parameter.in !== 'path' || address.includes(`{${parameter.name}}`);

/** Parts of the address that no `@Param` of the route reads: `Context` takes the project out of it. */
function unnamedIn(address: string, named: readonly Parameter[] = []): readonly Parameter[] {
  const wanted = [...address.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  return wanted
    .filter((name) => !named.some((parameter) => parameter.in === 'path' && parameter.name === name))
    .map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
}

/** To see whether a route tells its errors in the form of somebody else's protocol. */
const SOME_PROBLEM = new Problem(404, 'route-not-found', 'There is nothing at this address', '');

const PROBLEM_RESPONSE = {
  description: 'What went wrong, and what to do.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};
const FOREIGN_RESPONSE = {
  description: 'What went wrong, in the form of the protocol that the route speaks; a problem of Vitae where the front door let nothing through.',
  content: { 'application/json': { schema: { type: 'object' } }, ...PROBLEM_RESPONSE.content },
};

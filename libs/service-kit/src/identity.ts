import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { ActorKind, ActorSchema, type Actor } from '@vitae/contracts';
import type { Attribution, RecordedEvent } from '@vitae/event-store';
import type { Request } from 'express';
import { v7 as uuid } from 'uuid';
import { z } from 'zod';
import { credentialMissing, type KnownRequest } from './access/authenticate.ts';
import type { Principal } from './access/principal.ts';
import { Problem } from './problem.ts';
import { storable } from './storable-text.ts';
import { traceparent } from './trace.ts';

/** Who commands what, why and in what chain, and under which conditions: everything of a request that is not the command. */
export interface CommandContext extends Attribution {
  /** From If-Match: the command is refused unless the stream is at exactly this revision. */
  readonly expected?: number;
  /** Who commands, with all that he may: absent where a service acts because of an event. */
  readonly principal?: Principal;
  /** From Idempotency-Key: the same key and request give the same answer, once. */
  readonly idempotency?: { readonly key: string; readonly fingerprint: string };
}

/** A project's name in an address: `@Param('projectId', { schema: projectId })` on routes that only read. */
export const projectId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'A project is 1 to 63 lower-case letters, digits and hyphens, and starts with a letter or digit.');

/**
 * The context of a command, of the request's headers and its `:projectId`.
 * MUST stand on every route that changes something. The actor is who was authenticated. A route that concerns the whole
 * installation has no project in its address; it says so: `@Context({ projectId: 'vitae' })`.
 * @throws Problem 401 credential-missing; 400 for the project, reason, correlation, If-Match or idempotency key.
 */
export const Context = createParamDecorator(
  (fixed: { readonly projectId: string } | undefined, execution: ExecutionContext): CommandContext => {
    const request = execution.switchToHttp().getRequest<Request & { rawBody?: Buffer }>();
    return contextOf(request, fixed?.projectId);
  },
  [documentHeaders],
);

/** What `Context` reads of a request. */
export interface ContextRequest extends KnownRequest {
  readonly method: string;
  readonly originalUrl: string;
  readonly params: Readonly<Record<string, string | string[] | undefined>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly rawBody?: Buffer;
}

export function contextOf(request: ContextRequest, projectId = projectOf(request)): CommandContext {
  const { principal } = request;
  if (!principal) throw credentialMissing();
  const expected = expectedOf(header(request, 'if-match'));
  const idempotency = idempotencyOf(request, principal);
  return {
    projectId,
    actor: actorOf(principal),
    principal,
    reason: reasonOf(header(request, 'vitae-reason')),
    occurredAt: new Date().toISOString(),
    correlationId: correlationOf(header(request, 'vitae-correlation-id')),
    causationId: '',
    traceparent: traceparent(),
    ...(expected === undefined ? {} : { expected }),
    ...(idempotency === undefined ? {} : { idempotency }),
  };
}

/**
 * The context of a command that a consumer gives because of an event: the service itself is the actor, the event the
 * cause. The idempotency key is made of service, purpose and event, so that a redelivered event gives no second command.
 * @param purpose tells two commands of the same consumer and event apart; it is part of the key and MUST be stable.
 */
export function reactionContext(event: RecordedEvent, service: string, reason: string, purpose = ''): CommandContext {
  return {
    projectId: event.projectId,
    actor: create(ActorSchema, { id: service, kind: ActorKind.SYSTEM }),
    reason,
    occurredAt: new Date().toISOString(),
    correlationId: event.correlationId,
    causationId: event.id,
    traceparent: traceparent(),
    idempotency: { key: ['reaction', service, ...(purpose ? [purpose] : []), event.id].join(':'), fingerprint: sha256(`${service} ${purpose} ${event.id}`) },
  };
}

const KINDS: Readonly<Record<Principal['kind'], ActorKind>> = { human: ActorKind.HUMAN, machine: ActorKind.MACHINE, service: ActorKind.SYSTEM };

export const actorOf = ({ kind, id, onBehalfOf }: Principal): Actor => create(ActorSchema, { id, kind: KINDS[kind], onBehalfOf });

const projectOf = (request: ContextRequest): string => projectNamed(request.params['projectId']);

/** The project that an address names. @throws Problem 400 project-malformed. */
export function projectNamed(said: unknown): string {
  const parsed = projectId.safeParse(said);
  if (parsed.success) return parsed.data;
  throw new Problem(400, 'project-malformed', 'The project cannot be read', projectId.description ?? parsed.error.issues[0]?.message ?? '', {
    errors: [{ pointer: '/projectId', detail: parsed.error.issues[0]?.message ?? '', in: 'path' }],
  });
}

function reasonOf(text: string | undefined): string {
  if (text === undefined) return '';
  try {
    const reason = decodeURIComponent(text).trim();
    if (reason.length <= 2000 && storable(reason)) return reason;
  } catch {
    // not percent-encoded: told below, together with a reason that is too long or cannot be kept
  }
  throw new Problem(400, 'reason-malformed', 'The reason cannot be read', 'Vitae-Reason takes percent-encoded UTF-8 of at most 2000 characters, none of them null, for example Vitae-Reason: replaces%20the%20old%20model.');
}

function correlationOf(text: string | undefined): string {
  if (text === undefined) return uuid();
  if (/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/.test(text)) return text;
  throw new Problem(400, 'correlation-malformed', 'The correlation id cannot be read', 'Vitae-Correlation-Id takes 1 to 128 letters, digits and . _ : -, or leave the header out to get a new id.');
}

function expectedOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const digits = /^"(\d{1,15})"$/.exec(text.trim())?.[1];
  if (digits !== undefined) return Number(digits);
  throw new Problem(400, 'if-match-malformed', 'If-Match cannot be read', 'If-Match takes one revision in double quotes, as the ETag of an answer gives it: If-Match: "3".');
}

function idempotencyOf(request: ContextRequest, { kind, id }: Principal): CommandContext['idempotency'] {
  const key = header(request, 'idempotency-key');
  if (key === undefined) return undefined;
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) {
    throw new Problem(400, 'idempotency-key-malformed', 'The idempotency key cannot be read', 'Idempotency-Key takes 1 to 200 visible ASCII characters without spaces; a UUID is a good one.');
  }
  // A streamed body cannot be hashed before it is read; its declared length and type still tell most mistakes apart.
  const body = request.rawBody ?? `${header(request, 'content-type') ?? ''} ${header(request, 'content-length') ?? ''}`;
  const path = request.originalUrl;
  return { key, fingerprint: sha256(`${kind}/${id} ${request.method} ${path}\n`, body) }; // a key of somebody else opens nothing
}

const sha256 = (...parts: (string | Buffer)[]): string => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');

function header(request: ContextRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** Puts the headers that `Context` reads into the OpenAPI document of the route it stands on. */
function documentHeaders(controller: object, method: string | symbol | undefined): void {
  const descriptor = method === undefined ? undefined : Object.getOwnPropertyDescriptor(controller, method);
  if (method === undefined || descriptor === undefined) return;
  for (const [name, required, description] of COMMAND_HEADERS) {
    ApiHeader({ name, required, description, schema: { type: 'string' } })(controller, method, descriptor);
  }
}

const COMMAND_HEADERS = [
  ['Vitae-Reason', false, 'Why, as percent-encoded UTF-8.'],
  ['Vitae-Correlation-Id', false, 'Ties the commands of one piece of work together; a new id if absent.'],
  ['Idempotency-Key', false, 'The same key and request give the same answer, once.'],
  ['If-Match', false, 'The revision the command expects, in double quotes; 412 if it is another.'],
] as const;

/** The context with a reason in any case: the caller's own, or else what the service can say of the command. */
export const because = (context: CommandContext, otherwise: string): CommandContext => ({ ...context, reason: context.reason || otherwise.slice(0, 2_000) });

import { StandardSchemaValidationPipe, type ArgumentMetadata } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { pointerStep, Problem, type ProblemError } from './problem.ts';
import { UNSTORABLE, unstorable } from './storable-text.ts';

/** What Standard Schema says of one fault; zod adds the names of unknown fields. */
interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
  readonly code?: unknown;
  readonly keys?: readonly string[];
}

/**
 * Checks what a parameter's schema asks for (`@Body({ schema })`, `@Query({ schema })`, `@Param('id', { schema })`) and
 * answers 400 `invalid-request` with a JSON pointer for each fault. Use `z.strictObject` so that unknown fields are faults.
 */
export class SchemaPipe extends StandardSchemaValidationPipe {
  constructor() {
    super({ exceptionFactory: (issues) => new Issues(issues) });
  }

  override async transform<T>(value: T, metadata: ArgumentMetadata): Promise<T> {
    if (metadata.type === 'body' && metadata.schema && value instanceof ForeignBody) throw value.problem();
    let valid: T;
    try {
      valid = await super.transform(value, metadata);
    } catch (error) {
      throw error instanceof Issues ? invalid(error.issues, metadata.type, metadata.data) : error;
    }
    // Schemas speak of what a text means. What no table could keep is refused here, for all of them.
    const broken = metadata.schema ? unstorable(value) : [];
    if (broken.length > 0) throw invalid(broken.map((path) => ({ path, message: UNSTORABLE })), metadata.type, metadata.data);
    return valid;
  }
}

class Issues extends Error {
  constructor(readonly issues: readonly Issue[]) {
    super('invalid');
  }
}

function invalid(issues: readonly Issue[], type: ArgumentMetadata['type'], parameter: string | undefined): Problem {
  const where = type === 'query' ? ('query' as const) : type === 'param' ? ('path' as const) : undefined;
  const errors = issues.flatMap((issue) => faults(issue, parameter)).slice(0, MOST_FAULTS).map((fault): ProblemError => (where ? { ...fault, in: where } : fault));
  const named = { query: 'query parameters', path: 'path' }[where ?? 'query'];
  return new Problem(
    400,
    'invalid-request',
    'The request does not have the expected form',
    `The ${where ? named : 'body'} of the request ${errors.length === 1 ? 'has 1 fault' : `has ${errors.length} faults`}. Correct what errors names and send it again.`,
    { errors },
  );
}

/** At most this many faults are told: how many there are is up to the sender. */
const MOST_FAULTS = 50;

function faults(issue: Issue, parameter: string | undefined): ProblemError[] {
  const path = (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step));
  const pointer = [...(parameter === undefined ? [] : [parameter]), ...path].map((step) => `/${pointerStep(step)}`).join('');
  if (issue.code === 'unrecognized_keys' && issue.keys) {
    return issue.keys.map((key) => ({ pointer: `${pointer}/${pointerStep(key)}`, detail: 'This field is not known here. Remove it.' }));
  }
  return [{ pointer, detail: issue.message }];
}

/** Stands where a parsed body would be when bytes of another content type arrived. Routes that stream never look at it. */
export class ForeignBody {
  constructor(private readonly contentType: string | undefined) {}

  problem(): Problem {
    const sent = this.contentType === undefined ? 'no Content-Type' : `Content-Type ${this.contentType}`;
    return new Problem(415, 'unsupported-media-type', 'The content type is not supported', `The body came with ${sent}. This route reads application/json.`);
  }
}

/** After the JSON parser: marks a body that it left alone, so that a route with a schema can answer 415 and not 400. */
export function markForeignBody(request: Request, _response: Response, next: NextFunction): void {
  const hasBody = request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
  if (request.body === undefined && hasBody) request.body = new ForeignBody(request.headers['content-type']);
  next();
}

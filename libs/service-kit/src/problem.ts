import { HttpException } from '@nestjs/common';
import { InvalidEvent } from '@vitae/contracts';
import { IdempotencyKeyReused, Refused, RevisionConflict } from '@vitae/event-store';
import { KeyringUnavailable } from '@vitae/keyring';

/** One thing that is wrong with a request: where (a JSON pointer into the body), and what to do. */
export interface ProblemError {
  readonly pointer: string;
  readonly detail: string;
  /** Set when the pointer does not point into the body. */
  readonly in?: 'query' | 'path';
}

/** An RFC 9457 problem document, as it is sent. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly reason?: string;
  readonly errors?: readonly ProblemError[];
  readonly traceId?: string;
  readonly [extension: string]: unknown;
}

export interface ProblemExtra {
  readonly errors?: readonly ProblemError[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the document. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * A problem that a controller answers with:
 * `throw new Problem(404, 'model-not-found', 'Model not found', 'There is no model … in project …. List them at …')`.
 * The slug is kebab-case and MUST NOT change once released; the detail says what happened, to what, and what to do.
 */
export class Problem extends Error {
  override readonly name = 'Problem';
  constructor(
    readonly status: number,
    readonly slug: string,
    readonly title: string,
    detail: string,
    readonly extra: ProblemExtra = {},
  ) {
    super(detail, { cause: extra.cause });
  }
}

const PROBLEM_TYPES = 'https://vitae.dev/problems/';
export const problemType = (slug: string): string => `${PROBLEM_TYPES}${slug}`;

/** ALREADY_REGISTERED becomes already-registered. */
const slugOf = (reason: string): string => reason.toLowerCase().replaceAll('_', '-');
/** ALREADY_REGISTERED becomes Already registered. */
const titleOf = (reason: string): string => {
  const words = reason.toLowerCase().replaceAll(/[_-]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/**
 * Says what went wrong in the words of HTTP. Pure: the same error and request always give the same problem.
 * Anything that is not known here becomes 500 `internal`, which tells the client nothing about our insides.
 */
export function toProblem(error: unknown, request: { readonly ifMatch: boolean }): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof Refused) {
    const slug = slugOf(error.reason);
    return new Problem(error.status, slug, titleOf(error.reason), error.message, { members: { reason: slug }, cause: error });
  }
  if (error instanceof RevisionConflict) return revisionProblem(error, request.ifMatch);
  if (error instanceof InvalidEvent) {
    return new Problem(422, 'invalid-event', 'The values break a rule of the event', `${error.message} Correct the fields named in errors and send the command again.`, {
      errors: violationsOf(error),
      cause: error,
    });
  }
  if (error instanceof IdempotencyKeyReused) {
    return new Problem(422, 'idempotency-key-reused', 'Idempotency key used for another request', `${error.message} Use a new Idempotency-Key for a new request.`, { cause: error });
  }
  if (error instanceof HttpException) return httpProblem(error);
  if (error instanceof KeyringUnavailable) {
    return new Problem(503, 'keyring-unavailable', 'The keyring cannot be reached', 'What people write is stored sealed or not at all, and the service cannot reach the keys at the moment. Nothing was stored; send the request again.', {
      headers: { 'Retry-After': '2' },
      cause: error,
    });
  }
  if (isOutage(error)) {
    return new Problem(503, 'database-unavailable', 'The database cannot be reached', 'The service cannot reach its database at the moment. Nothing was stored; send the request again.', {
      headers: { 'Retry-After': '2' },
      cause: error,
    });
  }
  return new Problem(500, 'internal', 'Internal error', 'The service met an error that is its own fault. It is logged under the traceId; nothing was stored. Send the request again, and report it if it stays.', {
    cause: error,
  });
}

function revisionProblem(error: RevisionConflict, ifMatch: boolean): Problem {
  const [status, slug, title] = ifMatch
    ? ([412, 'revision-mismatch', 'The revision in If-Match is not the current one'] as const)
    : ([409, 'revision-conflict', 'Somebody else changed it at the same time'] as const);
  const todo = ifMatch ? 'Read it again, look at what changed, and send the command with the current revision.' : 'Send the command again.';
  return new Problem(status, slug, title, `${error.stream} is at revision ${error.actual}. ${todo}`, {
    members: { expectedRevision: error.expected, currentRevision: error.actual },
    cause: error,
  });
}

const HTTP_SLUGS: Readonly<Record<number, readonly [slug: string, title: string]>> = {
  400: ['bad-request', 'The request cannot be understood'],
  401: ['unauthenticated', 'The caller is not known'],
  403: ['forbidden', 'The caller may not do this'],
  404: ['not-found', 'Not found'],
  405: ['method-not-allowed', 'Method not allowed'],
  406: ['not-acceptable', 'Not acceptable'],
  408: ['request-timeout', 'The request took too long to arrive'],
  413: ['body-too-large', 'The body is too large'],
  415: ['unsupported-media-type', 'The content type is not supported'],
  429: ['too-many-requests', 'Too many requests'],
  503: ['unavailable', 'Not available at the moment'],
};

/** Errors that Nest and the body parser raise before a controller sees the request. */
function httpProblem(error: HttpException): Problem {
  const status = error.getStatus();
  const cause = error.cause as { readonly type?: unknown; readonly limit?: unknown } | undefined;
  switch (cause?.type) {
    case 'entity.parse.failed':
      return new Problem(400, 'malformed-json', 'The body is not JSON', `The body could not be read as JSON: ${error.message}. Send well-formed JSON (RFC 8259).`, { cause: error });
    case 'entity.too.large':
      return new Problem(413, 'body-too-large', 'The body is too large', `A JSON body may have at most ${String(cause.limit)} bytes. Send less at a time.`, { cause: error });
    case 'charset.unsupported':
    case 'encoding.unsupported':
      return new Problem(415, 'unsupported-media-type', 'The content type is not supported', `${error.message}. Send UTF-8 JSON, plain or gzip.`, { cause: error });
  }
  if (status === 404 && /^Cannot [A-Z]+ \//.test(error.message)) {
    return new Problem(404, 'route-not-found', 'There is nothing at this address', `${error.message}. The routes of this service are listed at /openapi.json.`, { cause: error });
  }
  if (status >= 500 && status !== 503) return new Problem(500, 'internal', 'Internal error', 'The service met an error that is its own fault. It is logged under the traceId.', { cause: error });
  const [slug, title] = HTTP_SLUGS[status] ?? ['bad-request', 'The request cannot be answered'];
  return new Problem(status, slug, title, error.message, { cause: error });
}

/** Constraint violations of protovalidate as pointers: `metrics[2].value` becomes `/metrics/2/value`, `use_case_id` becomes `/useCaseId`. */
function violationsOf(error: InvalidEvent): readonly ProblemError[] {
  return error.violations.map(({ field, message }) => ({ pointer: fieldPointer(field), detail: message }));
}

/** Fields of a contract are written with underscores, those of a body in camelCase; a key in brackets stays as it is. */
const fieldPointer = (field: string): string =>
  [...field.matchAll(/\["([^"]*)"\]|\[([^\]]*)\]|([^.[\]]+)/g)]
    .map(([, quoted, index, name]) => quoted ?? index ?? (name ?? '').replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()))
    .map((step) => `/${pointerStep(step)}`)
    .join('');

/** One step of a JSON pointer (RFC 6901). */
export const pointerStep = (step: string): string => step.replaceAll('~', '~0').replaceAll('/', '~1');

/** Server gone or not yet there: node's socket errors, PostgreSQL's class 08 (but for a message that it cannot read), admin shutdown and cannot-connect-now. */
function isOutage(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    const code = (at as { code?: unknown }).code;
    if (typeof code === 'string' && /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|08(?!P01)...|57P0[123])$/.test(code)) return true;
    if (/^(Connection terminated|timeout exceeded when trying to connect)/.test(at.message)) return true;
  }
  return false;
}

/** The document of a problem. `traceId` finds the request in logs and traces. */
export function problemDocument(problem: Problem, instance: string, traceId?: string): ProblemDocument {
  return {
    type: problemType(problem.slug),
    title: problem.title,
    status: problem.status,
    detail: problem.message,
    instance,
    ...(problem.extra.errors ? { errors: problem.extra.errors } : {}),
    ...problem.extra.members,
    ...(traceId ? { traceId } : {}),
  };
}

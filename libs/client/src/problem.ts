/** One fault of a request: where it stands, and what is wrong there. */
export interface Fault {
  /** JSON pointer into the body, or the parameter. */
  readonly pointer: string;
  readonly detail: string;
  readonly in?: 'query' | 'path';
}

/** As RFC 9457 has them. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly errors?: readonly Fault[];
  /** What else the problem says of itself, such as the permission that is missing. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** The header WWW-Authenticate of a 401. */
  readonly challenge?: string | undefined;
}

/** Vitae refused: RFC 9457 problem details as an error. Its message is `title: detail`. */
export class VitaeProblem extends Error {
  override readonly name = 'VitaeProblem';
  readonly type: string;
  /** The last part of `type`, such as `model-not-found`: stable, to be compared with. */
  readonly reason: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly errors: readonly Fault[];
  readonly more: Readonly<Record<string, unknown>>;
  readonly challenge: string | undefined;

  constructor({ type, title, status, detail, errors = [], more = {}, challenge }: ProblemDetails) {
    super([detail === '' || detail === title ? title : `${title}: ${detail}`, ...errors.map((fault) => `  ${fault.pointer}: ${fault.detail}`)].join('\n'));
    this.type = type;
    this.reason = type.split('/').at(-1) ?? type;
    this.title = title;
    this.status = status;
    this.detail = detail;
    this.errors = errors;
    this.more = more;
    this.challenge = challenge;
  }
}

/** Nothing answered, or the answer broke off. */
export class VitaeUnreachable extends Error {
  override readonly name = 'VitaeUnreachable';
  readonly url: string;

  constructor(url: string, options: { readonly cause: unknown }) {
    super(`${url} does not answer (${causeOf(options.cause)})`, options);
    this.url = url;
  }
}

/** Bytes that came, or that were to be sent, are not the ones with that digest. */
export class DigestMismatch extends Error {
  override readonly name = 'DigestMismatch';
  readonly expected: string;
  readonly actual: string;

  constructor(what: string, expected: string, actual: string) {
    super(`${what} has the digest ${actual}, and not ${expected}`);
    this.expected = expected;
    this.actual = actual;
  }
}

/** What a body of problem details says; a body of something else (a proxy's page) is told by its status. */
export function problemOf(status: number, statusText: string, url: string, body: string, challenge?: string | null): VitaeProblem {
  const { type, title: said, detail: told, errors, status: _, ...more } = parsed(body);
  const title = text(said) ?? `${status} ${statusText}`.trim();
  const detail = text(told) ?? (said === undefined ? `from ${url}` : '');
  return new VitaeProblem({ type: text(type) ?? 'about:blank', title, status, detail, errors: Array.isArray(errors) ? (errors as Fault[]) : [], more, challenge: challenge ?? undefined });
}

function parsed(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** `fetch` only says "fetch failed"; the reason is in its cause. */
function causeOf(error: unknown): string {
  const { cause, code, message } = error as { cause?: { code?: string; message?: string }; code?: string; message?: string };
  return cause?.code ?? cause?.message ?? code ?? message ?? String(error);
}

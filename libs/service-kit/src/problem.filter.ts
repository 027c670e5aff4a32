import { Catch, Inject, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { AccessAudit } from './access/access-audit.ts';
import type { KnownRequest } from './access/authenticate.ts';
import { AccessRefused } from './access/must-have.ts';
import { DEFINITION, type ServiceDefinition } from './definition.ts';
import { traceId } from './trace.ts';
import { problemDocument, toProblem } from './problem.ts';

/** The one place where an error becomes an answer. Server faults are logged with their stack; the client's are not. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #log = new Logger('Problem');

  constructor(
    @Inject(DEFINITION) private readonly definition: Pick<ServiceDefinition, 'errorAnswer'>,
    private readonly audit: AccessAudit,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request & KnownRequest>();
    const response = host.switchToHttp().getResponse<Response>();
    const problem = toProblem(error, { ifMatch: request.headers['if-match'] !== undefined });
    if (problem instanceof AccessRefused && request.principal) this.audit.denied({ principal: request.principal, permission: problem.permission, projectId: problem.projectId }, problem.why);
    const route = `${request.method} ${request.path}`;
    if (problem.status >= 500) {
      this.#log.error({ err: problem.extra.cause ?? problem, problem: problem.slug, msg: `${route} failed` });
    } else {
      this.#log.debug({ problem: problem.slug, status: problem.status, msg: `${route} answered ${problem.status} ${problem.slug}` });
    }
    if (response.headersSent) {
      // Half an answer is out already; cutting the connection is the only honest thing left to say.
      response.destroy();
      return;
    }
    const foreign = this.definition.errorAnswer?.(problem, request.path);
    if (foreign) response.status(foreign.status).set(problem.extra.headers ?? {}).json(foreign.body);
    else {
      response
        .status(problem.status)
        .set(problem.extra.headers ?? {})
        .type('application/problem+json')
        .send(JSON.stringify(problemDocument(problem, request.originalUrl, traceId())));
    }
    // A body that nobody reads any more would keep the connection busy.
    if (!request.readableEnded) request.resume();
  }
}

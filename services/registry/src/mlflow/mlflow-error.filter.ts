import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { toProblem, type Problem } from '@vitae/service-kit';
import type { Request, Response } from 'express';
import { codeOf, MlflowError, STATUS_OF } from './mlflow-error.ts';

/** On MLflow's routes an error is `{ error_code, message }`, never a problem document: its clients read nothing else. */
@Catch()
export class MlflowErrorFilter implements ExceptionFilter {
  readonly #log = new Logger('Mlflow');

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    const problem = error instanceof MlflowError ? undefined : toProblem(error, { ifMatch: false });
    const { code, message } = problem ? told(problem) : (error as MlflowError);
    if (code === 'INTERNAL_ERROR') this.#log.error({ err: error, msg: `${request.method} ${request.path} failed` });
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.status(STATUS_OF[code]).set(problem?.extra.headers ?? {}).json({ error_code: code, message });
    if (!request.readableEnded) request.resume(); // a body that nobody reads any more would keep the connection busy
  }
}

function told(problem: Problem): MlflowError {
  const faults = (problem.extra.errors ?? []).map(({ pointer, detail }) => `${pointer.slice(1)}: ${detail}`);
  return new MlflowError(codeOf(problem.status), [problem.message, ...faults].join(' '));
}

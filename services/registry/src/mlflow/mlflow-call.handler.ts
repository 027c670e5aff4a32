import { createParamDecorator, Inject, Injectable, type ExecutionContext, type PipeTransform } from '@nestjs/common';
import { CONFIG, contextOf, type CommandContext, type KnownRequest } from '@vitae/service-kit';
import type { Request } from 'express';
import type { RegistryConfig } from '../config.ts';
import { mlflowProject } from './mlflow-project.ts';
import { parametersOf, type Parameters } from './parameters.ts';

/** A request of an MLflow client: who asks for what, in which project. */
export interface MlflowCall {
  readonly context: CommandContext;
  readonly parameters: Parameters;
  /** This service as the client spoke to it, with its port. */
  readonly host: string;
}

const Raw = createParamDecorator((_: unknown, execution: ExecutionContext) => execution.switchToHttp().getRequest<Request>());

/** Reads the project of the address (`/t/<project>/…`, or the default one at the root), who calls and the parameters. */
@Injectable()
export class MlflowCallPipe implements PipeTransform<Request & KnownRequest & { rawBody?: Buffer }, MlflowCall> {
  constructor(@Inject(CONFIG) private readonly config: RegistryConfig) {}

  transform(request: Request & KnownRequest & { rawBody?: Buffer }): MlflowCall {
    const { method } = request;
    return {
      context: contextOf(request, mlflowProject(request, this.config)),
      parameters: method === 'GET' ? request.query : parametersOf(request.body),
      host: request.get('host') ?? '',
    };
  }
}

export const Call = () => Raw(MlflowCallPipe);

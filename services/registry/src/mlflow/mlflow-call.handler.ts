import { createParamDecorator, Inject, Injectable, type ExecutionContext, type PipeTransform } from '@nestjs/common';
import { CONFIG, contextOf, type CommandContext } from '@vitae/service-kit';
import type { Request } from 'express';
import type { RegistryConfig } from '../config.ts';
import { MlflowError } from './mlflow-error.ts';
import { parametersOf, type Parameters } from './parameters.ts';

/** A request of an MLflow client: who asks for what, in which project. */
export interface MlflowCall {
  readonly context: CommandContext;
  readonly parameters: Parameters;
  /** This service as the client spoke to it, with its port. */
  readonly host: string;
}

const Raw = createParamDecorator((_: unknown, execution: ExecutionContext) => execution.switchToHttp().getRequest<Request>());

/** Reads the project of the address (`/t/<project>/…`, or the default one at the root), the actor and the parameters. */
@Injectable()
export class MlflowCallPipe implements PipeTransform<Request & { rawBody?: Buffer }, MlflowCall> {
  constructor(@Inject(CONFIG) private readonly config: RegistryConfig) {}

  transform(request: Request & { rawBody?: Buffer }): MlflowCall {
    const { method, originalUrl, params, rawBody } = request;
    const headers = { ...request.headers, 'vitae-actor': actorOf(request, this.config.VITAE_MLFLOW_ACTOR) };
    const project = params['projectId'] === undefined ? this.config.VITAE_MLFLOW_PROJECT : undefined;
    return {
      context: contextOf({ method, originalUrl, params, headers, ...(rawBody ? { rawBody } : {}) }, this.config.VITAE_MODE, project),
      parameters: method === 'GET' ? request.query : parametersOf(request.body),
      host: request.get('host') ?? '',
    };
  }
}

export const Call = () => Raw(MlflowCallPipe);

/**
 * Who acts, in local mode: `Vitae-Actor`, or else the name that Basic authentication or a JWT brings, believed as the
 * header is, or else the configured one. A token that is no JWT names nobody, and is a secret: it is never written down.
 */
function actorOf(request: Request, otherwise: string): string {
  const said = request.get('vitae-actor');
  if (said !== undefined && said !== '') return said;
  const [, scheme = '', credentials = ''] = /^(\w+) +(\S+)$/.exec(request.get('authorization') ?? '') ?? [];
  const name = scheme.toLowerCase() === 'basic' ? basicName(credentials) : scheme.toLowerCase() === 'bearer' ? subjectOf(credentials) : '';
  if (name === '') return otherwise;
  if (!/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/.test(name)) {
    throw new MlflowError('UNAUTHENTICATED', 'The user name cannot be an actor: it is 1 to 128 letters, digits and . _ @ + - and starts with a letter or digit.');
  }
  return `human/${name}`;
}

const basicName = (credentials: string): string => Buffer.from(credentials, 'base64').toString().split(':', 1)[0] ?? '';

function subjectOf(token: string): string {
  const [, claims, signature] = token.split('.');
  if (claims === undefined || signature === undefined) return '';
  try {
    const { sub } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { readonly sub?: unknown };
    return typeof sub === 'string' ? sub : '';
  } catch {
    return ''; // three parts, and yet no JWT
  }
}

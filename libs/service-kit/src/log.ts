import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { Injectable, type DynamicModule } from '@nestjs/common';
import { trace } from '@opentelemetry/api';
import { Logger, LoggerModule } from 'nestjs-pino';
import type { DestinationStream } from 'pino';
import type { BaseConfig } from './config.ts';
import { isOperational } from './operational-paths.ts';

/** Which service is at work: several may live in one process, and the logger of a process is one. */
export const atWork = new AsyncLocalStorage<string>();

/** JSON lines with service, trace_id, span_id and request_id; one line for each request, none for the operational ones. */
export function logging(service: string, config: BaseConfig, destination?: DestinationStream): DynamicModule {
  const options = {
    level: config.LOG_LEVEL,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    mixin: () => ({ service: atWork.getStore() ?? service, ...traceFields() }),
    // What is logged of a request is chosen in the serialisers; this is for the day when somebody logs a header or the environment.
    redact: {
      paths: ['authorization', 'cookie', 'DATABASE_URL', 'password'].flatMap((key) => [key, `*.${key}`, `*.*.${key}`]).concat('*.headers["set-cookie"]', '*.*["set-cookie"]'),
      censor: '[redacted]',
    },
    genReqId: (request: { headers: Record<string, string | string[] | undefined> }) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
    },
    quietReqLogger: true,
    customAttributeKeys: { reqId: 'request_id', responseTime: 'ms' },
    serializers: {
      req: (request: { method: string; url: string }) => ({ method: request.method, url: request.url }),
      res: (response: { statusCode: number }) => ({ status: response.statusCode }),
    },
    autoLogging: { ignore: (request: { url?: string }) => isOperational(request.url) },
    customSuccessObject: (request: { method?: string; originalUrl?: string; url?: string }, _response: unknown, line: object) => ({
      ...line,
      method: request.method,
      path: (request.originalUrl ?? request.url ?? '').split('?', 1)[0],
    }),
    // The filter has logged the error with its stack already; this line only says that the request is over.
    customErrorObject: (request: { method?: string; originalUrl?: string }, response: { statusCode: number }, _error: Error, line: object) => ({
      ...line,
      err: undefined,
      method: request.method,
      path: (request.originalUrl ?? '').split('?', 1)[0],
      res: response,
    }),
    customErrorMessage: () => 'request completed',
  };
  return LoggerModule.forRoot({ pinoHttp: destination ? [options, destination] : options } as Parameters<typeof LoggerModule.forRoot>[0]);
}

function traceFields(): { trace_id?: string; span_id?: string } {
  const span = trace.getActiveSpan()?.spanContext();
  return span ? { trace_id: span.traceId, span_id: span.spanId } : {};
}

/** Nest tells of every route and module at start: good to have at debug, noise at info. */
const CHATTER = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory', 'NestApplication', 'CommandBus', 'QueryBus']);

/** Nest's messages to pino, its start-up chatter at debug. */
@Injectable()
export class QuietLogger extends Logger {
  override log(message: unknown, ...rest: unknown[]): void {
    if (CHATTER.has(rest.at(-1) as string)) super.debug(message, ...rest);
    else super.log(message, ...rest);
  }
}

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
    // What is logged of a request is chosen below; this is for the day when somebody logs a header or the environment.
    redact: {
      paths: ['authorization', 'cookie', 'DATABASE_URL', 'KEYRING_DATABASE_URL', 'password'].flatMap((key) => [key, `*.${key}`, `*.*.${key}`]).concat('*.headers["set-cookie"]', '*.*["set-cookie"]'),
      censor: '[redacted]',
    },
    genReqId: (request: { headers: Record<string, string | string[] | undefined> }) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
    },
    quietReqLogger: true,
    quietResLogger: true,
    // A server fault was logged with its stack by the problem filter; this line only says that the request is over.
    customLogLevel: (_request: unknown, response: { statusCode: number }) => (response.statusCode >= 500 ? 'warn' : 'info'),
    customAttributeKeys: { reqId: 'request_id', responseTime: 'ms' },
    autoLogging: { ignore: (request: { url?: string }) => isOperational(request.url) },
    customSuccessObject: (request: LoggedRequest, response: LoggedResponse, line: object) => ({ ...requestLine(request, response), ...timing(line) }),
    customErrorObject: (request: LoggedRequest, response: LoggedResponse, _error: Error, line: object) => ({ ...requestLine(request, response), ...timing(line) }),
    customErrorMessage: () => 'request completed',
  };
  return LoggerModule.forRoot({ pinoHttp: destination ? [options, destination] : options } as Parameters<typeof LoggerModule.forRoot>[0]);
}

function traceFields(): { trace_id?: string; span_id?: string } {
  const span = trace.getActiveSpan()?.spanContext();
  return span ? { trace_id: span.traceId, span_id: span.spanId } : {};
}

interface LoggedRequest {
  readonly method?: string;
  readonly url?: string;
  readonly originalUrl?: string;
}
interface LoggedResponse {
  readonly statusCode: number;
}

/** No headers and no query: both may hold what is nobody's business. */
const requestLine = (request: LoggedRequest, response: LoggedResponse) => ({
  method: request.method,
  path: (request.originalUrl ?? request.url ?? '').split('?', 1)[0],
  status: response.statusCode,
});
const timing = (line: object) => ({ ms: (line as { ms?: number }).ms });

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

import type { IncomingMessage, ServerResponse } from 'node:http';

/** What the rest of the kit may ask of running telemetry; importing this starts none. */
export interface RunningTelemetry {
  serveMetrics(request: IncomingMessage, response: ServerResponse): void;
  /** Sends what is still held, and ends. */
  stop(): Promise<void>;
}

interface TelemetryHandle {
  /** Set by `@vitae/service-kit/telemetry`; without that import there are no metrics and no trace ids. */
  running: RunningTelemetry | undefined;
  /**
   * The name of the process in traces and metrics where OTEL_SERVICE_NAME does not give one: that of the first service
   * booted in it. A promise, because telemetry has to start before anything else is known.
   */
  readonly serviceName: Promise<string>;
  readonly nameService: (name: string) => void;
}

/** One for the process, not for the module: telemetry is loaded before the service, and both may be bundled apart. */
const place = Symbol.for('vitae.telemetry');
const held = globalThis as { [place]?: TelemetryHandle };

export const telemetry: TelemetryHandle = (held[place] ??= newHandle());

function newHandle(): TelemetryHandle {
  const { promise, resolve } = Promise.withResolvers<string>();
  return { running: undefined, serviceName: promise, nameService: resolve };
}

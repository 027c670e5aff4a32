import type { IncomingMessage, ServerResponse } from 'node:http';

/** What the rest of the kit may ask of running telemetry; importing this starts none. */
export interface RunningTelemetry {
  serveMetrics(request: IncomingMessage, response: ServerResponse): void;
  /** Sends what is still held, and ends. */
  stop(): Promise<void>;
}

/** `running` is set by `@vitae/service-kit/telemetry`; without that import there are no metrics and no trace ids. */
export const telemetry: { running: RunningTelemetry | undefined } = { running: undefined };

let resolveName: (name: string) => void;
/**
 * The name of the process in traces and metrics where OTEL_SERVICE_NAME does not give one: that of the first service
 * booted in it. A promise, because telemetry has to start before anything else is known.
 */
export const serviceName = new Promise<string>((resolve) => (resolveName = resolve));
export const nameService = (name: string): void => resolveName(name);

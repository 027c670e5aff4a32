import { context, propagation, trace, type Context } from '@opentelemetry/api';

/** The context of a stored or received traceparent, as the parent of what it caused. */
export function contextOf(traceparent: string): Context {
  return propagation.extract(context.active(), { traceparent });
}

/** The active span as a W3C traceparent; empty outside a trace. */
export function activeTraceparent(): string {
  const carrier: { traceparent?: string } = {};
  if (trace.getActiveSpan()) propagation.inject(context.active(), carrier);
  return carrier.traceparent ?? '';
}

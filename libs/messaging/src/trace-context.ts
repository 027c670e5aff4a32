import { context, propagation, type Context } from '@opentelemetry/api';

/** The context of a stored or received traceparent, as the parent of what it caused. */
export function contextOf(traceparent: string): Context {
  return propagation.extract(context.active(), { traceparent });
}

/** A context as a W3C traceparent; empty outside a trace. */
export function traceparentOf(from: Context): string {
  const carrier: { traceparent?: string } = {};
  propagation.inject(from, carrier);
  return carrier.traceparent ?? '';
}

import { metrics, type Counter, type Histogram } from '@opentelemetry/api';

// Named by what an operator asks. Made on first use: the SDK may register after this module is loaded.
const meter = () => metrics.getMeter('@vitae/service-kit');

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** Commands by name and outcome: accepted, unchanged, replayed, refused, conflict, failed. */
export const commands: () => Counter = once(() => meter().createCounter('vitae.commands', { description: 'Commands by outcome' }));
export const commandSeconds: () => Histogram = once(() => meter().createHistogram('vitae.command.duration', { unit: 's', description: 'From command to commit' }));
export const refusals: () => Counter = once(() => meter().createCounter('vitae.refusals', { description: 'Commands refused, by reason' }));
export const conflicts: () => Counter = once(() => meter().createCounter('vitae.append.conflicts', { description: 'Appends that met a newer revision' }));
export const consumed: () => Counter = once(() => meter().createCounter('vitae.consumer.events', { description: 'Events handled by consumers, by outcome' }));

/** One reading of a gauge. */
export interface Reading {
  readonly value: number;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A gauge that is read when metrics are collected. Returns how to stop it. */
export function gauge(name: string, unit: string, description: string, read: () => Promise<readonly Reading[]> | readonly Reading[]): () => void {
  const instrument = meter().createObservableGauge(name, { unit, description });
  const observe = async (result: { observe(value: number, attributes: Readonly<Record<string, string>>): void }) => {
    for (const { value, attributes } of await read()) result.observe(value, attributes);
  };
  instrument.addCallback(observe);
  return () => instrument.removeCallback(observe);
}

// MUST be the first import of a process: what is instrumented here has to be so before anybody opens a socket.
// No loader hook: `http` and `pg` are patched where they are CommonJS, which costs 40 ms and not two seconds.
import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import { isOperational } from './operational-paths.ts';
import { telemetry } from './telemetry-handle.ts';

const env = process.env;
/** In addresses, too, there are secrets: those of a login at the front door, and those of signed addresses. */
const NOT_TRACED = ['code', 'state', 'session_state', 'access_token', 'id_token_hint', 'token', 'sig', 'Signature', 'X-Amz-Signature', 'X-Amz-Credential', 'X-Amz-Security-Token', 'X-Goog-Signature'];
if (env['OTEL_SDK_DISABLED'] !== 'true' && telemetry.running === undefined) start();

/** Traces and metrics as the standard OTEL_* variables say; exported over OTLP only where an endpoint is set. */
function start(): void {
  const named = env['OTEL_SERVICE_NAME'];
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': named ?? telemetry.serviceName, 'service.namespace': 'vitae' }))
    .merge(detectResources({ detectors: [envDetector] }));
  void resource.waitForAsyncAttributes?.();

  const prometheus = new PrometheusExporter({ preventServerStart: true });
  const meterProvider = new MeterProvider({
    resource,
    readers: [prometheus, ...(exports('METRICS') ? [new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() })] : [])],
  });
  // Without an exporter spans are still made: logs and events carry their ids.
  const tracerProvider = new TracerProvider({
    resource,
    sampler: sampler(),
    spanProcessors: exports('TRACES') ? [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })] : [],
  });

  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }));
  trace.setGlobalTracerProvider(tracerProvider);
  metrics.setGlobalMeterProvider(meterProvider);
  registerInstrumentations({
    tracerProvider,
    meterProvider,
    instrumentations: [
      new HttpInstrumentation({ ignoreIncomingRequestHook: ({ url }) => isOperational(url), redactedQueryParamsServer: NOT_TRACED }),
      // A query outside of any request or message (polling, health) would only be noise.
      new PgInstrumentation({ requireParentSpan: true }),
    ],
  });

  telemetry.running = {
    serveMetrics: (request, response) => prometheus.getMetricsRequestHandler(request, response),
    stop: async () => {
      await Promise.allSettled([tracerProvider.shutdown(), meterProvider.shutdown()]);
    },
  };
}

function exports(signal: 'TRACES' | 'METRICS'): boolean {
  if (env[`OTEL_${signal}_EXPORTER`] === 'none') return false;
  return Boolean(env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]);
}

function sampler(): Sampler {
  const name = env['OTEL_TRACES_SAMPLER'] ?? 'parentbased_always_on';
  const argument = Number(env['OTEL_TRACES_SAMPLER_ARG'] ?? '1');
  const roots: Record<string, () => Sampler> = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(Number.isFinite(argument) ? argument : 1),
  };
  const root = (roots[name.replace('parentbased_', '')] ?? roots['always_on'])?.() ?? new AlwaysOnSampler();
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}

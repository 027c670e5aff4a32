import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import type { ServiceDefinition } from '@vitae/service-kit';
import { alert } from './alert/alert.ts';
import { AlertHandler } from './alert/alert.handler.ts';
import { AlertsController } from './alert/alerts.controller.ts';
import { Alert, projectAlert } from './alert/alerts.view.ts';
import { baseline } from './baseline/baseline.ts';
import { BaselineController } from './baseline/baseline.controller.ts';
import { BaselineHandler } from './baseline/baseline.handler.ts';
import { Baseline, projectBaseline } from './baseline/baselines.view.ts';
import { RegistryClient } from './baseline/registry.client.ts';
import { CanaryController } from './canary/canary.controller.ts';
import { CanaryHandler } from './canary/canary.handler.ts';
import { Canary } from './canary/canaries.view.ts';
import { RolloutsConsumer } from './canary/rollouts.consumer.ts';
import { monitoringConfig, type MonitoringConfig } from './config.ts';
import { GroundTruthController } from './ground-truth/ground-truth.controller.ts';
import { GroundTruthHandler } from './ground-truth/ground-truth.handler.ts';
import { IngestController } from './inference/ingest.controller.ts';
import { InferenceConsumer } from './inference/inference.consumer.ts';
import { InferenceHandler } from './inference/inference.handler.ts';
import { InferenceStream } from './inference/inference-stream.client.ts';
import { DatasetVersion } from './lifecycle/dataset-versions.view.ts';
import { Endpoint } from './lifecycle/endpoints.view.ts';
import { LifecycleConsumer, projectLifecycle } from './lifecycle/lifecycle.consumer.ts';
import { window } from './window/window.ts';
import { WindowHandler } from './window/window.handler.ts';
import { WindowsController } from './window/windows.controller.ts';
import { JudgedWindow, projectWindow } from './window/windows.view.ts';

@Module({
  imports: [CqrsModule],
  controllers: [IngestController, BaselineController, WindowsController, AlertsController, GroundTruthController, CanaryController],
  providers: [
    LifecycleConsumer,
    RegistryClient,
    BaselineHandler,
    InferenceStream,
    InferenceHandler,
    InferenceConsumer,
    WindowHandler,
    AlertHandler,
    GroundTruthHandler,
    CanaryHandler,
    RolloutsConsumer,
  ],
})
export class AppModule {}

/** Rows of traffic in; windows, alerts and verdicts on rollouts out. */
export const monitoring: ServiceDefinition<MonitoringConfig> = {
  name: 'monitoring',
  callsServices: true,
  module: AppModule,
  config: monitoringConfig,
  database: {
    schema: 'monitoring',
    migrations: new URL('../migrations/', import.meta.url),
    entities: [Endpoint, DatasetVersion, Baseline, JudgedWindow, Alert, Canary],
    // Not what counts rows of traffic (exchanges, labels, open windows, canaries): that is in no event.
    projections: [
      { category: baseline.category, tables: ['baseline', 'active_baseline'], project: (tx, [recorded]) => (recorded ? projectBaseline(tx, recorded) : Promise.resolve()) },
      { category: window.category, tables: ['judged_window'], project: ({ em }, [recorded]) => (recorded ? projectWindow(em, recorded) : Promise.resolve()) },
      { category: alert.category, tables: ['alert'], project: ({ em }, events) => projectAlert(em, events) },
      { consumer: 'monitoring.lifecycle', tables: ['endpoint', 'dataset_version'], project: projectLifecycle },
    ],
  },
};

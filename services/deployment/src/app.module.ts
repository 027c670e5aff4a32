import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import type { ServiceDefinition } from '@vitae/service-kit';
import { deploymentConfig, type DeploymentConfig } from './config.ts';
import { EndpointController } from './endpoint/endpoint.controller.ts';
import { endpoint } from './endpoint/endpoint.ts';
import { EndpointHandler } from './endpoint/endpoint.handler.ts';
import { EndpointRow, projectEndpoints, VariantRow } from './endpoint/endpoints.view.ts';
import { Reconciler } from './endpoint/reconcile.worker.ts';
import { Runtime } from './endpoint/runtime.client.ts';
import { EnvironmentController } from './environment/environment.controller.ts';
import { environment } from './environment/environment.ts';
import { EnvironmentHandler } from './environment/environment.handler.ts';
import { EnvironmentRow, projectEnvironments } from './environment/environments.view.ts';
import { LifecycleConsumer } from './lifecycle/lifecycle.consumer.ts';
import { ModelRow, ModelVersionRow, PermitRow, projectLifecycle, type Followed } from './lifecycle/lifecycle.view.ts';
import { RolloutController } from './rollout/rollout.controller.ts';
import { rollout } from './rollout/rollout.ts';
import { RolloutHandler } from './rollout/rollout.handler.ts';
import { RolloutsConsumer } from './rollout/rollouts.consumer.ts';
import { projectRollouts, RolloutRow } from './rollout/rollouts.view.ts';

@Module({
  imports: [CqrsModule.forRoot()],
  controllers: [EnvironmentController, EndpointController, RolloutController],
  providers: [EnvironmentHandler, EndpointHandler, RolloutHandler, LifecycleConsumer, RolloutsConsumer, Runtime, Reconciler],
})
export class AppModule {}

/** Environments, endpoints, variants and rollouts: who serves what, where, and by what right. */
export const deployment: ServiceDefinition<DeploymentConfig> = {
  name: 'deployment',
  callsServices: true,
  module: AppModule,
  config: deploymentConfig,
  database: {
    schema: 'deployment',
    migrations: new URL('../migrations/', import.meta.url),
    entities: [EnvironmentRow, EndpointRow, VariantRow, RolloutRow, ModelRow, ModelVersionRow, PermitRow],
    projections: [
      { category: environment.category, tables: ['environment'], project: projectEnvironments },
      { category: endpoint.category, tables: ['endpoint', 'variant'], project: projectEndpoints },
      { category: rollout.category, tables: ['rollout', 'variant'], project: projectRollouts },
      { consumer: 'deployment.lifecycle', tables: ['model', 'model_version', 'permit'], project: (tx, { projectId, event }) => projectLifecycle(tx, projectId, event as Followed) },
    ],
  },
};

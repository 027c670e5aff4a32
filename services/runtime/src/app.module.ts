import { Module, type MiddlewareConsumer, type NestModule } from '@nestjs/common';
import type { ServiceDefinition } from '@vitae/service-kit';
import { runtimeConfig, type RuntimeConfig } from './config.ts';
import { InferenceLog } from './inference-log/monitoring.client.ts';
import { ArtefactCache } from './model-server/artefact-cache.store.ts';
import { OpenInferenceController, protocolAnswer } from './model-server/open-inference.controller.ts';
import { Endpoints } from './routing/endpoints.worker.ts';
import { adminJson, RoutesController } from './routing/routes.controller.ts';
import { RoutesStore } from './routing/routes.store.ts';

@Module({
  controllers: [OpenInferenceController, RoutesController],
  providers: [RoutesStore, ArtefactCache, Endpoints, InferenceLog],
})
export class AppModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(adminJson).forRoutes(RoutesController);
  }
}

/** The ONNX model server. No database and no broker: it serves through an outage of both. */
export const runtime: ServiceDefinition<RuntimeConfig> = {
  name: 'runtime',
  callsServices: true,
  module: AppModule,
  config: runtimeConfig,
  jsonLimit: false,
  errorAnswer: (problem, path) => (/^\/v2(\/|$)/.test(path) ? protocolAnswer(problem) : undefined),
};

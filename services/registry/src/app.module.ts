import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import type { ServiceDefinition } from '@vitae/service-kit';
import { ArtefactController } from './artefact/artefact.controller.ts';
import { ArtefactStore } from './artefact/artefact.store.ts';
import { registryConfig, type RegistryConfig } from './config.ts';
import { DatasetVersionController } from './dataset-version/dataset-version.controller.ts';
import { DatasetVersionHandler } from './dataset-version/dataset-version.handler.ts';
import { DatasetVersionRow, DatasetVersions } from './dataset-version/dataset-versions.view.ts';
import { EvaluationController } from './evaluation/evaluation.controller.ts';
import { EvaluationHandler } from './evaluation/evaluation.handler.ts';
import { EvaluationRow, Evaluations } from './evaluation/evaluations.view.ts';
import { LifecycleConsumer } from './model-version/lifecycle.consumer.ts';
import { ModelVersionController } from './model-version/model-version.controller.ts';
import { ModelVersionHandler } from './model-version/model-version.handler.ts';
import { ModelVersionRow, ModelVersions } from './model-version/versions.view.ts';
import { ModelController } from './model/model.controller.ts';
import { ModelHandler } from './model/model.handler.ts';
import { ModelRow, Models } from './model/models.view.ts';

@Module({
  imports: [CqrsModule.forRoot()],
  controllers: [ArtefactController, DatasetVersionController, ModelController, ModelVersionController, EvaluationController],
  providers: [
    ArtefactStore,
    DatasetVersions, Models, ModelVersions, Evaluations,
    DatasetVersionHandler, ModelHandler, ModelVersionHandler, EvaluationHandler,
    LifecycleConsumer,
  ],
})
export class AppModule {}

/** Datasets, models, their versions and artefacts, and what they measured. */
export const registry: ServiceDefinition<RegistryConfig> = {
  name: 'registry',
  module: AppModule,
  config: registryConfig,
  database: {
    schema: 'registry',
    migrations: new URL('../migrations/', import.meta.url),
    entities: [DatasetVersionRow, ModelRow, ModelVersionRow, EvaluationRow],
  },
};

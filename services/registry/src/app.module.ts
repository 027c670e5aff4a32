import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { CONFIG, Readiness, type ServiceDefinition } from '@vitae/service-kit';
import { aiSystem, aiSystemVersion } from './ai-system/ai-system.ts';
import { AISystemController } from './ai-system/ai-system.controller.ts';
import { AISystemHandler, AISystemVersionHandler } from './ai-system/ai-system.handler.ts';
import { AISystems, projectAISystem, projectAISystemVersion } from './ai-system/ai-systems.view.ts';
import { ArtefactController } from './artefact/artefact.controller.ts';
import { ArtefactStore, DEPOT } from './artefact/artefact.store.ts';
import { openDepot } from './artefact/open-depot.store.ts';
import { ProjectArtefacts } from './artefact/project-artefacts.store.ts';
import { UploadController } from './artefact/upload.controller.ts';
import { UploadSessions } from './artefact/upload-sessions.store.ts';
import { UploadSweeper } from './artefact/upload-sweeper.worker.ts';
import { registryConfig, type RegistryConfig } from './config.ts';
import { DatasetController } from './dataset/dataset.controller.ts';
import { DatasetHandler } from './dataset/dataset.handler.ts';
import { dataset } from './dataset/dataset.ts';
import { Datasets, projectDataset } from './dataset/datasets.view.ts';
import { DatasetReadingController } from './dataset-reading/dataset-reading.controller.ts';
import { DatasetReadings } from './dataset-reading/dataset-readings.store.ts';
import { DatasetReadingWorker } from './dataset-reading/dataset-reading.worker.ts';
import { DatasetVersionChangeHandler } from './dataset-version/dataset-version-change.handler.ts';
import { DatasetVersionController } from './dataset-version/dataset-version.controller.ts';
import { datasetVersion } from './dataset-version/dataset-version.ts';
import { DatasetVersionHandler } from './dataset-version/dataset-version.handler.ts';
import { DatasetVersionRow, DatasetVersions, projectDatasetVersion } from './dataset-version/dataset-versions.view.ts';
import { EvaluationController } from './evaluation/evaluation.controller.ts';
import { evaluation } from './evaluation/evaluation.ts';
import { EvaluationHandler } from './evaluation/evaluation.handler.ts';
import { EvaluationInvalidationHandler } from './evaluation/evaluation-invalidation.handler.ts';
import { EvaluationReportHandler } from './evaluation/evaluation-report.handler.ts';
import { Scorer } from './evaluation/scorer.store.ts';
import { EvaluationSuiteController } from './evaluation-suite/evaluation-suite.controller.ts';
import { EvaluationSuiteHandler } from './evaluation-suite/evaluation-suite.handler.ts';
import { evaluationSuite } from './evaluation-suite/evaluation-suite.ts';
import { EvaluationSuiteRevisionRow, EvaluationSuiteRow, EvaluationSuites, projectEvaluationSuite } from './evaluation-suite/evaluation-suites.view.ts';
import { VersionComparisonController } from './version-comparison/version-comparison.controller.ts';
import { VersionComparisonHandler } from './version-comparison/version-comparison.handler.ts';
import { versionComparison } from './version-comparison/version-comparison.ts';
import { projectVersionComparison, VersionComparisonRow, VersionComparisons } from './version-comparison/version-comparisons.view.ts';
import { EvaluationRow, Evaluations, projectEvaluation } from './evaluation/evaluations.view.ts';
import { ExportController } from './exports/export.controller.ts';
import { SystemParts } from './exports/system-parts.view.ts';
import { KnownVersions } from './exports/known-versions.view.ts';
import { ModelCardController } from './model-card/model-card.controller.ts';
import { modelCard } from './model-card/model-card.ts';
import { ModelCardHandler } from './model-card/model-card.handler.ts';
import { ModelCardRevisionRow, ModelCardRow, ModelCards, projectModelCard } from './model-card/model-cards.view.ts';
import { Derivatives } from './model-version/derivations.view.ts';
import { ExternalVersionController } from './model-version/external-version.controller.ts';
import { projectLinks } from './linked-accounts.view.ts';
import { LineageConsumer, projectFollowedLineage } from './lineage/lineage.consumer.ts';
import { LineageController } from './lineage/lineage.controller.ts';
import { LineageGraph } from './lineage/lineage-graph.view.ts';
import { LineageLinkHandler } from './lineage/lineage-link.handler.ts';
import { lineageLink } from './lineage/lineage-link.ts';
import { LineageLinks, projectLineageLink } from './lineage/lineage-links.view.ts';
import { projectToldLineage } from './lineage/lineage.view.ts';
import { OpenLineageCallPipe, OpenLineageClientController, OpenLineageController } from './openlineage/openlineage.controller.ts';
import { OpenLineageHandler } from './openlineage/openlineage.handler.ts';
import { openLineage } from './openlineage/openlineage.ts';
import { OpenLineagePusher } from './openlineage/push.worker.ts';
import { ToldByOpenLineage } from './openlineage/told.view.ts';
import { LifecycleConsumer, projectFollowed } from './model-version/lifecycle.consumer.ts';
import { ModelVersionChangeHandler } from './model-version/model-version-change.handler.ts';
import { ModelVersionController } from './model-version/model-version.controller.ts';
import { modelVersion } from './model-version/model-version.ts';
import { ModelVersionReferenceHandler } from './model-version/model-version-reference.handler.ts';
import { StageHandler } from './model-version/stage.handler.ts';
import { ModelVersionHandler } from './model-version/model-version.handler.ts';
import { projectRetirement } from './model-version/traffic.view.ts';
import { ModelVersionRow, projectModelVersion } from './model-version/version-rows.view.ts';
import { ModelVersions } from './model-version/versions.view.ts';
import { guardrail } from './guardrail/guardrail.ts';
import { GuardrailController } from './guardrail/guardrail.controller.ts';
import { GuardrailHandler, projectGuardrail, projectTool, ToolHandler } from './revised/revised.handler.ts';
import { RevisedThings } from './revised/revised.view.ts';
import { tool } from './tool/tool.ts';
import { ToolController } from './tool/tool.controller.ts';
import { PromptController } from './prompt/prompt.controller.ts';
import { Prompts } from './prompt/prompts.view.ts';
import { SignatureController } from './signature/signature.controller.ts';
import { ModelVersionSignatureRow, ModelVersionSignatures, projectSignature } from './signature/signatures.view.ts';
import { SigningTrustController } from './signature/signing-trust.controller.ts';
import { SigningTrustHandler } from './signature/signing-trust.handler.ts';
import { signingTrust } from './signature/signing-trust.ts';
import { projectSigningTrust, SigningTrustRow, SigningTrusts } from './signature/signing-trust.view.ts';
import { experiment } from './experiment/experiment.ts';
import { ExperimentHandler } from './experiment/experiment.handler.ts';
import { Experiments, projectExperiment } from './experiment/experiments.view.ts';
import { loggedModel } from './logged-model/logged-model.ts';
import { LoggedModelHandler } from './logged-model/logged-model.handler.ts';
import { LoggedModels, projectLoggedModel } from './logged-model/logged-models.view.ts';
import { LoggedFiles } from './run/logged-files.view.ts';
import { Metrics } from './run/metrics.view.ts';
import { run } from './run/run.ts';
import { RunHandler } from './run/run.handler.ts';
import { projectRun, Runs } from './run/runs.view.ts';
import { MlflowExperimentsController } from './mlflow/experiments.controller.ts';
import { MlflowLoggedModelsController } from './mlflow/logged-models.controller.ts';
import { MlflowRunsController } from './mlflow/runs.controller.ts';
import { MlflowWebhooksController } from './mlflow/webhooks.controller.ts';
import { MlflowWebhookHandler } from './mlflow-webhook/mlflow-webhook.handler.ts';
import { MlflowWebhooksConsumer } from './mlflow-webhook/mlflow-webhooks.consumer.ts';
import { MlflowWebhookSecrets } from './mlflow-webhook/mlflow-webhook-secrets.store.ts';
import { MlflowWebhooks } from './mlflow-webhook/mlflow-webhooks.view.ts';
import { MlflowWebhookWorker } from './mlflow-webhook/mlflow-webhook.worker.ts';
import { MlflowSources } from './mlflow/mlflow-sources.handler.ts';
import { answerOf, isBytes } from './mlflow/addresses.ts';
import { MlflowArtifactsController } from './mlflow/artifacts.controller.ts';
import { MlflowCallPipe } from './mlflow/mlflow-call.handler.ts';
import { MlflowModels } from './mlflow/mlflow-models.handler.ts';
import { MlflowModelVersionsController } from './mlflow/model-versions.controller.ts';
import { MlflowServerController, MlflowUnknownController } from './mlflow/server.controller.ts';
import { RegisteredModelsController } from './mlflow/registered-models.controller.ts';
import { AliasController } from './model/alias.controller.ts';
import { ModelController } from './model/model.controller.ts';
import { model } from './model/model.ts';
import { ModelHandler } from './model/model.handler.ts';
import { ModelRow, Models, projectModel } from './model/models.view.ts';

@Module({
  imports: [CqrsModule.forRoot()],
  controllers: [
    ArtefactController, UploadController, DatasetController, DatasetVersionController, DatasetReadingController, ModelController, AliasController, ModelVersionController, EvaluationController, SigningTrustController, SignatureController, ExportController, ModelCardController,
    ExternalVersionController, PromptController, GuardrailController, ToolController, AISystemController,
    EvaluationSuiteController, VersionComparisonController,
    LineageController, OpenLineageController, OpenLineageClientController,
    RegisteredModelsController, MlflowModelVersionsController, MlflowArtifactsController, MlflowServerController,
    MlflowExperimentsController, MlflowRunsController, MlflowLoggedModelsController, MlflowWebhooksController,
    MlflowUnknownController, // last: it answers what no other one does
  ],
  providers: [
    { provide: DEPOT, inject: [CONFIG, Readiness], useFactory: openDepot },
    ArtefactStore, ProjectArtefacts, UploadSessions, UploadSweeper,
    Datasets, DatasetHandler, DatasetVersionChangeHandler, DatasetReadings, DatasetReadingWorker,
    DatasetVersions, Models, ModelVersions, Evaluations,
    DatasetVersionHandler, ModelHandler, ModelVersionHandler, ModelVersionReferenceHandler, ModelVersionChangeHandler, StageHandler, EvaluationHandler,
    SigningTrusts, SigningTrustHandler, ModelVersionSignatures,
    KnownVersions, ModelCards, ModelCardHandler,
    Derivatives, Prompts, RevisedThings, GuardrailHandler, ToolHandler, AISystems, SystemParts, AISystemHandler, AISystemVersionHandler,
    Scorer, EvaluationReportHandler, EvaluationInvalidationHandler, EvaluationSuites, EvaluationSuiteHandler, VersionComparisons, VersionComparisonHandler,
    LineageGraph, LineageLinks, LineageLinkHandler, LineageConsumer, OpenLineageHandler, OpenLineageCallPipe, ToldByOpenLineage, OpenLineagePusher,
    MlflowModels, MlflowCallPipe, MlflowSources,
    MlflowWebhooks, MlflowWebhookSecrets, MlflowWebhookHandler, MlflowWebhookWorker, MlflowWebhooksConsumer,
    Experiments, Runs, Metrics, LoggedFiles, LoggedModels, ExperimentHandler, RunHandler, LoggedModelHandler,
    LifecycleConsumer,
  ],
})
export class AppModule {}

/** Datasets, models, their versions and artefacts, and what they measured. */
export const registry: ServiceDefinition<RegistryConfig> = {
  name: 'registry',
  module: AppModule,
  config: registryConfig,
  bytesAt: isBytes,
  errorAnswer: answerOf,
  database: {
    schema: 'registry',
    migrations: new URL('../migrations/', import.meta.url),
    entities: [DatasetVersionRow, ModelRow, ModelVersionRow, EvaluationRow, SigningTrustRow, ModelVersionSignatureRow, ModelCardRow, ModelCardRevisionRow, EvaluationSuiteRow, EvaluationSuiteRevisionRow, VersionComparisonRow],
    projections: [
      { category: dataset.category, tables: ['dataset'], project: projectDataset },
      { category: datasetVersion.category, tables: ['dataset_version', 'dataset_derivation', 'dataset_quality', 'version_counter'], project: projectDatasetVersion },
      { category: model.category, tables: ['model', 'model_alias'], project: projectModel },
      { category: modelVersion.category, tables: ['model_version', 'version_counter', 'model'], project: projectModelVersion },
      { category: modelVersion.category, tables: ['model_version_signature'], project: projectSignature },
      { category: signingTrust.category, tables: ['signing_trust'], project: projectSigningTrust },
      { category: modelVersion.category, tables: ['approved_retirement'], project: projectRetirement },
      { category: evaluation.category, tables: ['evaluation'], project: projectEvaluation },
      { category: evaluationSuite.category, tables: ['evaluation_suite', 'evaluation_suite_revision'], project: projectEvaluationSuite },
      { category: versionComparison.category, tables: ['version_comparison'], project: projectVersionComparison },
      { category: modelCard.category, tables: ['model_card', 'model_card_revision'], project: projectModelCard },
      { category: guardrail.category, tables: ['guardrail', 'guardrail_revision'], project: projectGuardrail },
      { category: tool.category, tables: ['tool', 'tool_revision'], project: projectTool },
      { category: aiSystem.category, tables: ['ai_system'], project: projectAISystem },
      { category: aiSystemVersion.category, tables: ['ai_system_version', 'ai_system_pin', 'version_counter'], project: projectAISystemVersion },
      { category: lineageLink.category, tables: ['lineage_link', 'lineage_node', 'lineage_edge'], project: projectLineageLink },
      { category: openLineage.category, tables: ['lineage_node', 'lineage_edge'], project: projectToldLineage },
      { consumer: 'registry.lineage', tables: ['lineage_node', 'lineage_edge', 'openlineage_told'], project: projectFollowedLineage },
      { category: experiment.category, tables: ['experiment'], project: projectExperiment },
      { category: run.category, tables: ['run', 'run_metric_point', 'run_metric', 'run_dataset', 'logged_file'], project: projectRun },
      { category: loggedModel.category, tables: ['logged_model', 'logged_file'], project: projectLoggedModel },
      { consumer: 'registry.lifecycle', tables: ['traffic', 'approved_retirement'], project: projectFollowed },
      { consumer: 'registry.lifecycle', tables: ['linked_account'], project: projectLinks },
    ],
  },
};

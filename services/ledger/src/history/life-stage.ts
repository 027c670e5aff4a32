/** The stages of a model's life, in order. */
export const STAGES = ['plan', 'data', 'develop', 'evaluate', 'approve', 'deploy', 'serve', 'monitor', 'improve', 'retire'] as const;
export type Stage = (typeof STAGES)[number];

const TYPES: Readonly<Record<Stage, readonly string[]>> = {
  plan: ['governance.v1.UseCaseDrafted', 'governance.v1.UseCaseSubmitted', 'governance.v1.UseCaseApproved', 'governance.v1.UseCaseRejected'],
  data: [
    'registry.v1.DatasetVersionRegistered', 'registry.v1.DatasetVersionQuarantined', 'registry.v1.DatasetVersionQuarantineLifted', 'registry.v1.DatasetVersionDeprecated', 'registry.v1.DatasetVersionDeprecationLifted',
    'registry.v1.DatasetSensitivityClassified', 'registry.v1.DatasetExpectationsStated', 'registry.v1.DatasetQualityAssessed', 'registry.v1.DatasetDescribed', 'registry.v1.DatasetTagged', 'registry.v1.DatasetTagRemoved', 'registry.v1.DatasetVersionErased',
  ],
  develop: [
    'registry.v1.ModelRegistered', 'registry.v1.ModelRenamed', 'registry.v1.ModelDescribed', 'registry.v1.ModelPurposeStated', 'registry.v1.ModelTagged', 'registry.v1.ModelTagRemoved',
    'registry.v1.ModelAliasAssigned', 'registry.v1.ModelAliasRemoved', 'registry.v1.ModelAliasProtected', 'registry.v1.ModelAliasProtectionLifted', 'registry.v1.ModelAliasChangeRefused',
    'registry.v1.ExternalModelVersionRegistered', 'registry.v1.GuardrailDrafted', 'registry.v1.GuardrailPublished', 'registry.v1.ToolDrafted', 'registry.v1.ToolPublished',
    'registry.v1.AISystemRegistered', 'registry.v1.AISystemVersionComposed',
    'registry.v1.ModelVersionRegistered', 'registry.v1.ModelVersionReferenced', 'registry.v1.ModelVersionStageAssigned', 'registry.v1.ModelVersionSignatureVerified', 'registry.v1.ModelVersionSignatureRejected', 'registry.v1.ModelVersionDescribed', 'registry.v1.ModelVersionTagged', 'registry.v1.ModelVersionTagRemoved',
    'registry.v1.LineageLinkDeclared', 'registry.v1.LineageLinkWithdrawn', 'registry.v1.OpenLineageRunObserved', 'registry.v1.OpenLineageDatasetObserved', 'registry.v1.OpenLineageJobObserved',
    'registry.v1.ExperimentCreated', 'registry.v1.ExperimentRenamed', 'registry.v1.ExperimentTagged', 'registry.v1.ExperimentTagRemoved', 'registry.v1.ExperimentDeleted', 'registry.v1.ExperimentRestored',
    'registry.v1.RunStarted', 'registry.v1.RunLogged', 'registry.v1.RunTagRemoved', 'registry.v1.RunInputsLogged', 'registry.v1.RunOutputsLogged', 'registry.v1.RunRenamed', 'registry.v1.RunEnded', 'registry.v1.RunResumed',
    'registry.v1.RunDeleted', 'registry.v1.RunRestored', 'registry.v1.RunArtifactLogged', 'registry.v1.RunArtifactRemoved',
    'registry.v1.LoggedModelCreated', 'registry.v1.LoggedModelParamsLogged', 'registry.v1.LoggedModelFinalized', 'registry.v1.LoggedModelTagged', 'registry.v1.LoggedModelTagRemoved', 'registry.v1.LoggedModelDeleted',
    'registry.v1.LoggedModelArtifactLogged', 'registry.v1.LoggedModelArtifactRemoved',
    'registry.v1.MlflowWebhookCreated', 'registry.v1.MlflowWebhookRenamed', 'registry.v1.MlflowWebhookMoved', 'registry.v1.MlflowWebhookEventsReplaced', 'registry.v1.MlflowWebhookDescribed', 'registry.v1.MlflowWebhookSecretReplaced',
    'registry.v1.MlflowWebhookEnabled', 'registry.v1.MlflowWebhookDisabled', 'registry.v1.MlflowWebhookDeleted',
  ],
  evaluate: [
    'registry.v1.EvaluationRecorded', 'registry.v1.EvaluationReported', 'registry.v1.EvaluationInvalidated', 'registry.v1.VersionsCompared',
    'registry.v1.EvaluationSuiteDrafted', 'registry.v1.EvaluationSuiteRevised', 'registry.v1.EvaluationSuitePublished',
    'registry.v1.ModelCardDrafted', 'registry.v1.ModelCardRevised', 'registry.v1.ModelCardSubmittedForReview', 'registry.v1.ModelCardApproved', 'registry.v1.ModelCardReturned',
    'registry.v1.ModelCardPublished', 'registry.v1.ModelCardSuperseded',
  ],
  approve: ['governance.v1.ApprovalCaseOpened', 'governance.v1.ApprovalGranted', 'governance.v1.ApprovalRefused', 'governance.v1.GateDecided'],
  deploy: [
    'deployment.v1.EndpointCreated', 'deployment.v1.PermitConsumed', 'deployment.v1.VariantDeployed', 'deployment.v1.VariantReady', 'deployment.v1.VariantFailed',
    'deployment.v1.DeploymentRefused', 'deployment.v1.RolloutStarted', 'deployment.v1.RolloutAdvanced', 'deployment.v1.RolloutCompleted', 'deployment.v1.RolloutRolledBack',
  ],
  serve: ['deployment.v1.TrafficShifted', 'deployment.v1.VariantRemoved'],
  monitor: [
    'monitoring.v1.BaselineActivated', 'monitoring.v1.WindowJudged', 'monitoring.v1.CanaryJudged',
    'monitoring.v1.DriftAlertRaised', 'monitoring.v1.DriftAlertWidened', 'monitoring.v1.DriftAlertCleared',
  ],
  improve: ['governance.v1.IncidentReported', 'governance.v1.RetrainingRequested', 'governance.v1.IncidentClosed'],
  retire: [
    'governance.v1.RetirementProposed', 'governance.v1.RetirementApproved', 'governance.v1.RetirementCompleted',
    'registry.v1.ModelDeprecated', 'registry.v1.ModelDeprecationLifted', 'registry.v1.ModelVersionDeprecated', 'registry.v1.ModelVersionDeprecationLifted',
    'registry.v1.GuardrailDeprecated', 'registry.v1.GuardrailRetired', 'registry.v1.ToolDeprecated', 'registry.v1.ToolRetired',
    'registry.v1.AISystemVersionDeprecated', 'registry.v1.AISystemVersionRetired',
    'registry.v1.ArtefactArchived', 'registry.v1.ModelVersionRetired',
    'registry.v1.ModelDeleted', 'registry.v1.ModelRestored', 'registry.v1.ModelVersionDeleted', 'registry.v1.ModelVersionRestored', 'registry.v1.ModelVersionPurged',
  ],
};

const STAGE_OF: ReadonlyMap<string, Stage> = new Map(STAGES.flatMap((stage) => TYPES[stage].map((type) => [`vitae.${type}`, stage] as const)));

/** Where an event that this build does not know belongs, by its service. */
const BY_SERVICE: Readonly<Record<string, Stage>> = { registry: 'develop', governance: 'approve', deployment: 'deploy', monitoring: 'monitor' };

/** The stage that an event belongs to; undefined for what is not about models. */
export const stageOf = (type: string): Stage | undefined => STAGE_OF.get(type) ?? BY_SERVICE[type.split('.')[1] ?? ''];

/** Whether the type has a stage of its own, and not just its service's. */
export const hasStage = (type: string): boolean => STAGE_OF.has(type);

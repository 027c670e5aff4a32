import { create, type Message } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import * as contracts from '@vitae/contracts';
import { GateOutcome } from '@vitae/contracts';
import type { LineageFact } from './lineage-fact.ts';
import { lineageOf } from './lineage-of.ts';
import { written } from './node.ts';

/** Facts as one line each. */
function told(event: Message): string[] {
  return lineageOf(event).map((fact: LineageFact): string => {
    switch (fact.fact) {
      case 'node':
        return [written(fact.node), ...(fact.label === undefined ? [] : [`called ${fact.label}`]), ...(fact.state === undefined ? [] : [`is ${fact.state}`])].join(' ');
      case 'back':
        return `${written(fact.node)} is back`;
      case 'edge':
        return `${written(fact.from)} > ${fact.relation} > ${written(fact.to)}${fact.linkId === undefined ? '' : ` by ${fact.linkId}`}`;
      case 'edge-ends':
        return `${written(fact.from)} > ${fact.relation} > ${written(fact.to)} ends`;
      case 'edge-from-one-of':
        return `${fact.from.map(written).join(' or ')} > ${fact.relation} > ${written(fact.to)}`;
      case 'only-edges':
        return `only ${fact.from.map(written).join(' and ')} > ${fact.relation} > ${written(fact.to)}`;
    }
  });
}

const version = { modelVersionId: 'v1', modelId: 'm', version: 1 };
const { LineageNodeSchema } = contracts;

/** Each event that has a part in the graph, and which. */
const cases: readonly (readonly [Message, readonly string[]])[] = [
  [create(contracts.DatasetVersionRegisteredSchema, { datasetVersionId: 'd', datasetName: 'loans', version: 3, source: 's3://lake/loans' }), ['dataset-version:d called loans version 3 is registered', 'source:s3://lake/loans > taken-from > dataset-version:d']],
  [
    create(contracts.DatasetVersionRegisteredSchema, { datasetVersionId: 'd', datasetName: 'loans', version: 4, source: 's3://lake/loans', derivedFromDatasetVersionIds: ['c'], derivedFromUris: ['s3://lake/loans', 's3://lake/more'] }),
    ['dataset-version:d called loans version 4 is registered', 'source:s3://lake/loans > taken-from > dataset-version:d', 'source:s3://lake/more > taken-from > dataset-version:d', 'dataset-version:c > derived-from > dataset-version:d'],
  ],
  [create(contracts.DatasetVersionQuarantinedSchema, { datasetVersionId: 'd' }), ['dataset-version:d is quarantined']],
  [create(contracts.DatasetVersionQuarantineLiftedSchema, { datasetVersionId: 'd' }), ['dataset-version:d is registered']],
  [create(contracts.DatasetVersionDeprecatedSchema, { datasetVersionId: 'd' }), ['dataset-version:d is deprecated']],
  [create(contracts.DatasetVersionDeprecationLiftedSchema, { datasetVersionId: 'd' }), ['dataset-version:d is registered']],
  [create(contracts.DatasetVersionErasedSchema, { datasetVersionId: 'd' }), ['dataset-version:d is erased']],
  [create(contracts.ModelRegisteredSchema, { modelId: 'm', name: 'credit', useCaseId: 'u' }), ['model:m called credit is active', 'use-case:u > made-for > model:m']],
  [create(contracts.ModelRegisteredSchema, { modelId: 'm', name: 'credit' }), ['model:m called credit is active']],
  [create(contracts.ModelPurposeStatedSchema, { modelId: 'm', useCaseId: 'u' }), ['use-case:u > made-for > model:m']],
  [create(contracts.ModelRenamedSchema, { modelId: 'm', name: 'loans' }), ['model:m called loans']],
  [create(contracts.ModelDeprecatedSchema, { modelId: 'm' }), ['model:m is deprecated']],
  [create(contracts.ModelDeprecationLiftedSchema, { modelId: 'm' }), ['model:m is active']],
  [create(contracts.ModelDeletedSchema, { modelId: 'm' }), ['model:m is deleted']],
  [create(contracts.ModelRestoredSchema, { modelId: 'm' }), ['model:m is back']],
  [
    create(contracts.ModelVersionRegisteredSchema, { ...version, modelName: 'credit', datasetVersionId: 'd', source: { repository: 'git', commit: 'abc' }, runId: 'r', artefactSource: 'runs:/r/model' }),
    ['model-version:v1 called credit version 1 is registered', 'model:m > version-of > model-version:v1', 'dataset-version:d > trained-on > model-version:v1', 'commit:git@abc > built-from > model-version:v1', 'run:r > made-by > model-version:v1', 'source:runs:/r/model > taken-from > model-version:v1'],
  ],
  [create(contracts.ModelVersionReferencedSchema, { ...version, modelName: 'credit', location: 's3://x' }), ['model-version:v1 called credit version 1 is registered', 'model:m > version-of > model-version:v1', 'source:s3://x > taken-from > model-version:v1']],
  [create(contracts.ModelVersionReferencedSchema, { ...version, modelName: 'credit', location: 's3://x', copiedFromModelVersionId: 'v0', runId: 'r' }), ['model-version:v1 called credit version 1 is registered', 'model:m > version-of > model-version:v1', 'model-version:v0 > copy-of > model-version:v1', 'run:r > made-by > model-version:v1']],
  [
    create(contracts.ModelVersionReferencedSchema, { ...version, modelName: 'credit', location: 's3://x', loggedModelId: 'm-1', code: { repository: 'git', commit: 'abc' }, derivedFrom: [{ modelVersionId: 'v0', relation: 'quantized' }] }),
    ['model-version:v1 called credit version 1 is registered', 'model:m > version-of > model-version:v1', 'source:s3://x > taken-from > model-version:v1', 'logged-model:m-1 > registered-from > model-version:v1', 'commit:git@abc > built-from > model-version:v1', 'model-version:v0 > quantized > model-version:v1'],
  ],
  [
    create(contracts.ExternalModelVersionRegisteredSchema, { ...version, modelName: 'gpt', provider: 'acme', providerModelId: 'big', snapshot: '2026-01' }),
    ['model-version:v1 called gpt version 1 is registered', 'model:m > version-of > model-version:v1', 'base-model:acme/big@2026-01 > names > model-version:v1'],
  ],
  [create(contracts.ModelVersionDeprecatedSchema, version), ['model-version:v1 is deprecated']],
  [create(contracts.ModelVersionDeprecationLiftedSchema, version), ['model-version:v1 is registered']],
  [create(contracts.ModelVersionRetiredSchema, version), ['model-version:v1 is retired']],
  [create(contracts.ModelVersionDeletedSchema, version), ['model-version:v1 is deleted']],
  [create(contracts.ModelVersionRestoredSchema, version), ['model-version:v1 is back']],
  [create(contracts.ModelVersionPurgedSchema, version), ['model-version:v1 is purged']],
  [
    create(contracts.EvaluationRecordedSchema, { ...version, evaluationId: 'e', datasetVersionId: 'd', split: 'test', comparison: { modelVersionId: 'v0' } }),
    ['evaluation:e called evaluation of version 1 on test is recorded', 'model-version:v1 > measures > evaluation:e', 'dataset-version:d > measured-on > evaluation:e', 'model-version:v0 > compares-with > evaluation:e'],
  ],
  [
    create(contracts.EvaluationReportedSchema, { ...version, evaluationId: 'e', externalDataset: { uri: 'hf://data' }, split: '', suite: { suiteId: 's' } }),
    ['evaluation:e called reported evaluation of version 1 on all rows is reported', 'model-version:v1 > measures > evaluation:e', 'dataset:hf://data > measured-on > evaluation:e', 'evaluation-suite:s > made-by > evaluation:e'],
  ],
  [create(contracts.EvaluationInvalidatedSchema, { ...version, evaluationId: 'e' }), ['evaluation:e is invalidated', 'only  > measures > evaluation:e', 'only  > measured-on > evaluation:e', 'only  > compares-with > evaluation:e', 'only  > made-by > evaluation:e']],
  [
    create(contracts.VersionsComparedSchema, { comparisonId: 'k', datasetVersionId: 'd', split: 'test', versions: [{ modelVersionId: 'v1', version: 1 }, { modelVersionId: 'v2', version: 2 }] }),
    ['comparison:k called versions 1, 2 on test is recorded', 'model-version:v1 > compares > comparison:k', 'model-version:v2 > compares > comparison:k', 'dataset-version:d > measured-on > comparison:k'],
  ],
  [create(contracts.EvaluationSuiteDraftedSchema, { suiteId: 's', name: 'fair', number: 1 }), ['evaluation-suite:s called fair 1 is draft']],
  [create(contracts.EvaluationSuiteRevisedSchema, { suiteId: 's', name: 'fair', number: 1 }), ['evaluation-suite:s called fair 1 is draft']],
  [create(contracts.EvaluationSuitePublishedSchema, { suiteId: 's', name: 'fair', number: 1, content: { datasets: [{ datasetVersionId: 'd' }, { datasetVersionId: 'd' }] } }), ['evaluation-suite:s called fair 1 is published', 'only dataset-version:d > asks-for > evaluation-suite:s']],
  [create(contracts.AISystemRegisteredSchema, { aiSystemId: 'a', name: 'helper', useCaseId: 'u' }), ['ai-system:a called helper is registered', 'use-case:u > made-for > ai-system:a']],
  [
    create(contracts.AISystemVersionComposedSchema, { aiSystemVersionId: 'b', aiSystemId: 'a', aiSystemName: 'helper', version: 2, components: [{ kind: 'model-version', id: 'v1' }, { kind: 'prompt-version', id: 'v2' }, { kind: 'tool', id: 't' }] }),
    ['ai-system-version:b called helper version 2 is composed', 'ai-system:a > version-of > ai-system-version:b', 'model-version:v1 > pins > ai-system-version:b', 'model-version:v2 > pins > ai-system-version:b', 'tool:t > pins > ai-system-version:b'],
  ],
  [create(contracts.AISystemVersionDeprecatedSchema, { aiSystemVersionId: 'b' }), ['ai-system-version:b is deprecated']],
  [create(contracts.AISystemVersionRetiredSchema, { aiSystemVersionId: 'b' }), ['ai-system-version:b is retired']],
  [create(contracts.GuardrailDraftedSchema, { guardrailId: 'g', name: 'pii', revision: 1 }), ['guardrail:g called pii 1 is draft']],
  [create(contracts.GuardrailPublishedSchema, { guardrailId: 'g', name: 'pii', revision: 1 }), ['guardrail:g called pii 1 is published']],
  [create(contracts.GuardrailDeprecatedSchema, { guardrailId: 'g', name: 'pii', revision: 1 }), ['guardrail:g called pii 1 is deprecated']],
  [create(contracts.GuardrailRetiredSchema, { guardrailId: 'g', name: 'pii', revision: 1 }), ['guardrail:g called pii 1 is retired']],
  [create(contracts.ToolDraftedSchema, { toolId: 't', name: 'mail', revision: 1 }), ['tool:t called mail 1 is draft']],
  [create(contracts.ToolPublishedSchema, { toolId: 't', name: 'mail', revision: 1 }), ['tool:t called mail 1 is published']],
  [create(contracts.ToolDeprecatedSchema, { toolId: 't', name: 'mail', revision: 1 }), ['tool:t called mail 1 is deprecated']],
  [create(contracts.ToolRetiredSchema, { toolId: 't', name: 'mail', revision: 1 }), ['tool:t called mail 1 is retired']],
  [create(contracts.RunStartedSchema, { runId: 'r', name: 'try' }), ['run:r called try is running']],
  [create(contracts.RunRenamedSchema, { runId: 'r', name: 'other' }), ['run:r called other']],
  [create(contracts.RunEndedSchema, { runId: 'r', status: 'FINISHED' }), ['run:r is finished']],
  [create(contracts.RunResumedSchema, { runId: 'r', status: 'RUNNING' }), ['run:r is running']],
  [create(contracts.RunDeletedSchema, { runId: 'r' }), ['run:r is deleted']],
  [create(contracts.RunRestoredSchema, { runId: 'r' }), ['run:r is back']],
  [create(contracts.RunInputsLoggedSchema, { runId: 'r', datasets: [{ name: 'loans', digest: '12ab' }], modelIds: ['m-1'] }), ['dataset:mlflow/loans@12ab > read > run:r', 'logged-model:m-1 > read > run:r']],
  [create(contracts.RunOutputsLoggedSchema, { runId: 'r', models: [{ modelId: 'm-1' }] }), ['run:r > made-by > logged-model:m-1']],
  [create(contracts.LoggedModelCreatedSchema, { modelId: 'm-1', name: 'tree', sourceRunId: 'r' }), ['logged-model:m-1 called tree is pending', 'run:r > made-by > logged-model:m-1']],
  [create(contracts.LoggedModelFinalizedSchema, { modelId: 'm-1', status: 'LOGGED_MODEL_UPLOAD_FAILED' }), ['logged-model:m-1 is upload-failed']],
  [create(contracts.LoggedModelDeletedSchema, { modelId: 'm-1' }), ['logged-model:m-1 is deleted']],
  [create(contracts.ModelCardDraftedSchema, version), ['model-card:v1 called card of version 1 is draft', 'model-version:v1 > describes > model-card:v1']],
  [create(contracts.ModelCardRevisedSchema, version), ['model-card:v1 is draft']],
  [create(contracts.ModelCardReturnedSchema, version), ['model-card:v1 is draft']],
  [create(contracts.ModelCardSubmittedForReviewSchema, version), ['model-card:v1 is in-review']],
  [create(contracts.ModelCardApprovedSchema, version), ['model-card:v1 is approved']],
  [create(contracts.ModelCardPublishedSchema, version), ['model-card:v1 is published']],
  [create(contracts.LineageLinkDeclaredSchema, { linkId: 'l', from: create(LineageNodeSchema, { kind: 'run', id: 'r' }), to: create(LineageNodeSchema, { kind: 'model-version', id: 'v1' }), relation: 'made-by' }), ['run:r > made-by > model-version:v1 by l']],
  [create(contracts.LineageLinkWithdrawnSchema, { linkId: 'l', from: create(LineageNodeSchema, { kind: 'run', id: 'r' }), to: create(LineageNodeSchema, { kind: 'model-version', id: 'v1' }), relation: 'made-by' }), ['run:r > made-by > model-version:v1 ends']],
  [
    create(contracts.OpenLineageRunObservedSchema, {
      runId: 'r', state: 'running', parentRunId: 'p', job: { namespace: 'etl', name: 'clean', commit: 'git@abc' },
      inputs: [{ namespace: 'pg', name: 'loans' }, { namespace: 'pg', name: 'loans', version: '7' }],
      outputs: [{ namespace: 'lake', name: 'x', knownAs: { kind: 'dataset-version', id: 'd' } }],
    }),
    ['run:r called run of clean is running', 'job:etl/clean > run-of > run:r', 'commit:git@abc > ran-code > run:r', 'run:p > started-by > run:r', 'dataset:pg/loans > read > run:r', 'dataset:pg/loans@7 > read > run:r', 'run:r > written-by > dataset-version:d'],
  ],
  [create(contracts.OpenLineageDatasetObservedSchema, { dataset: { namespace: 'pg', name: 'loans' } }), ['dataset:pg/loans']],
  [create(contracts.OpenLineageJobObservedSchema, { job: { namespace: 'etl', name: 'clean', commit: 'git@abc' }, inputs: [{ namespace: 'a', name: 'b' }], outputs: [{ namespace: 'c', name: 'd' }] }), ['job:etl/clean', 'commit:git@abc > runs-code > job:etl/clean', 'dataset:a/b > reads > job:etl/clean', 'job:etl/clean > writes > dataset:c/d']],
  [create(contracts.UseCaseDraftedSchema, { useCaseId: 'u', title: 'Loans' }), ['use-case:u called Loans is drafted']],
  [create(contracts.UseCaseSubmittedSchema, { useCaseId: 'u' }), ['use-case:u is submitted']],
  [create(contracts.UseCaseApprovedSchema, { useCaseId: 'u' }), ['use-case:u is approved']],
  [create(contracts.UseCaseRejectedSchema, { useCaseId: 'u' }), ['use-case:u is rejected']],
  [create(contracts.GateDecidedSchema, { decisionId: 'g', outcome: GateOutcome.ALLOW, subject: { ...version, gate: 'production', environment: 'eu' } }), ['decision:g called production of version 1 for eu is allowed', 'model-version:v1 > decides-on > decision:g']],
  [create(contracts.GateDecidedSchema, { decisionId: 'g', outcome: GateOutcome.DENY, subject: { ...version, gate: 'production', environment: 'eu' } }), ['decision:g called production of version 1 for eu is denied', 'model-version:v1 > decides-on > decision:g']],
  [
    create(contracts.IncidentReportedSchema, { incidentId: 'i', title: 'Drift', modelVersionId: 'v1', endpointId: 'p', causeId: 'c' }),
    ['incident:i called Drift is open', 'model-version:v1 > concerns > incident:i', 'endpoint:p > concerns > incident:i', 'alert:c or rollout:c > caused-by > incident:i'],
  ],
  [create(contracts.RetrainingRequestedSchema, { retrainingRequestId: 't', incidentId: 'i' }), ['retraining:t called retraining is requested', 'incident:i > answers > retraining:t']],
  [create(contracts.IncidentClosedSchema, { incidentId: 'i' }), ['incident:i is closed']],
  [create(contracts.RetirementProposedSchema, { ...version, retirementId: 'x' }), ['retirement:x called retirement of version 1 is proposed', 'model-version:v1 > ends > retirement:x']],
  [create(contracts.RetirementApprovedSchema, { ...version, retirementId: 'x' }), ['retirement:x is approved']],
  [create(contracts.RetirementCompletedSchema, { ...version, retirementId: 'x' }), ['retirement:x is completed']],
  [create(contracts.EndpointCreatedSchema, { endpointId: 'p', name: 'credit', environment: 'eu' }), ['endpoint:p called credit in eu is open']],
  [create(contracts.VariantDeployedSchema, { endpointId: 'p', decisionId: 'g', variant: { ...version, variantId: 'a' } }), ['variant:a called variant of version 1 is deploying', 'model-version:v1 > deploys > variant:a', 'decision:g > allowed-by > variant:a']],
  [create(contracts.VariantDeployedSchema, { endpointId: 'p', decisionId: '00000000-0000-0000-0000-000000000000', variant: { ...version, variantId: 'a' } }), ['variant:a called variant of version 1 is deploying', 'model-version:v1 > deploys > variant:a']],
  [create(contracts.VariantReadySchema, { endpointId: 'p', variantId: 'a' }), ['variant:a is ready']],
  [create(contracts.VariantFailedSchema, { endpointId: 'p', variantId: 'a' }), ['variant:a is failed']],
  [create(contracts.VariantRemovedSchema, { endpointId: 'p', variantId: 'a' }), ['variant:a is removed', 'variant:a > serves-at > endpoint:p ends']],
  [create(contracts.TrafficShiftedSchema, { endpointId: 'p', weights: [{ variantId: 'a', weight: 90 }, { variantId: 'b', weight: 10 }, { variantId: 'c', weight: 0 }] }), ['only variant:a and variant:b > serves-at > endpoint:p']],
  [create(contracts.RolloutStartedSchema, { rolloutId: 'o', endpointId: 'p', candidateVariantId: 'b', stableVariantId: 'a' }), ['rollout:o called rollout is running', 'endpoint:p > changes > rollout:o', 'variant:b > brings > rollout:o', 'variant:a > replaces > rollout:o']],
  [create(contracts.RolloutCompletedSchema, { rolloutId: 'o' }), ['rollout:o is completed']],
  [create(contracts.RolloutRolledBackSchema, { rolloutId: 'o' }), ['rollout:o is rolled-back']],
  [create(contracts.DriftAlertRaisedSchema, { alertId: 'w', endpointId: 'p', modelVersionId: 'v1' }), ['alert:w called drift alert is open', 'endpoint:p > concerns > alert:w', 'model-version:v1 > concerns > alert:w']],
  [create(contracts.DriftAlertClearedSchema, { alertId: 'w' }), ['alert:w is cleared']],
];

/** What says nothing of where things come from. A new type of event stands here, or above. */
const SILENT = [
  'vitae.registry.v1.ArtefactArchived', 'vitae.registry.v1.ModelDescribed', 'vitae.registry.v1.ModelTagged', 'vitae.registry.v1.ModelTagRemoved',
  'vitae.registry.v1.ModelAliasAssigned', 'vitae.registry.v1.ModelAliasRemoved', 'vitae.registry.v1.ModelAliasProtected', 'vitae.registry.v1.ModelAliasProtectionLifted', 'vitae.registry.v1.ModelAliasChangeRefused',
  'vitae.registry.v1.ModelVersionStageAssigned', 'vitae.registry.v1.ModelVersionDescribed', 'vitae.registry.v1.ModelVersionTagged', 'vitae.registry.v1.ModelVersionTagRemoved',
  'vitae.registry.v1.ModelVersionSignatureVerified', 'vitae.registry.v1.ModelVersionSignatureRejected', 'vitae.registry.v1.ModelCardSuperseded',
  'vitae.registry.v1.SigningKeyTrusted', 'vitae.registry.v1.SigningKeyDistrusted', 'vitae.registry.v1.ModelSignaturesRequired', 'vitae.registry.v1.ModelSignaturesNotRequired',
  'vitae.registry.v1.DatasetSensitivityClassified', 'vitae.registry.v1.DatasetExpectationsStated', 'vitae.registry.v1.DatasetQualityAssessed', 'vitae.registry.v1.DatasetDescribed', 'vitae.registry.v1.DatasetTagged', 'vitae.registry.v1.DatasetTagRemoved',
  'vitae.registry.v1.ExperimentCreated', 'vitae.registry.v1.ExperimentRenamed', 'vitae.registry.v1.ExperimentTagged', 'vitae.registry.v1.ExperimentTagRemoved', 'vitae.registry.v1.ExperimentDeleted', 'vitae.registry.v1.ExperimentRestored',
  'vitae.registry.v1.RunLogged', 'vitae.registry.v1.RunTagRemoved', 'vitae.registry.v1.RunArtifactLogged', 'vitae.registry.v1.RunArtifactRemoved',
  'vitae.registry.v1.LoggedModelParamsLogged', 'vitae.registry.v1.LoggedModelTagged', 'vitae.registry.v1.LoggedModelTagRemoved', 'vitae.registry.v1.LoggedModelArtifactLogged', 'vitae.registry.v1.LoggedModelArtifactRemoved',
  'vitae.registry.v1.MlflowWebhookCreated', 'vitae.registry.v1.MlflowWebhookRenamed', 'vitae.registry.v1.MlflowWebhookMoved', 'vitae.registry.v1.MlflowWebhookEventsReplaced', 'vitae.registry.v1.MlflowWebhookDescribed', 'vitae.registry.v1.MlflowWebhookSecretReplaced', 'vitae.registry.v1.MlflowWebhookEnabled', 'vitae.registry.v1.MlflowWebhookDisabled', 'vitae.registry.v1.MlflowWebhookDeleted',
  'vitae.governance.v1.ApiTokenIssued', 'vitae.governance.v1.ApiTokenRevoked', 'vitae.governance.v1.DelegationGranted', 'vitae.governance.v1.DelegationRevoked', 'vitae.governance.v1.PeopleLinked', 'vitae.governance.v1.PeopleUnlinkingRequested', 'vitae.governance.v1.PeopleUnlinked',
  'vitae.governance.v1.PolicySetPublished', 'vitae.governance.v1.ApprovalCaseOpened', 'vitae.governance.v1.ApprovalGranted', 'vitae.governance.v1.ApprovalRefused',
  'vitae.deployment.v1.EnvironmentCreated', 'vitae.deployment.v1.PermitConsumed', 'vitae.deployment.v1.DeploymentRefused', 'vitae.deployment.v1.RolloutAdvanced',
  'vitae.monitoring.v1.BaselineActivated', 'vitae.monitoring.v1.WindowJudged', 'vitae.monitoring.v1.CanaryJudged', 'vitae.monitoring.v1.DriftAlertWidened',
];

describe('The part of an event in the graph', () => {
  it.each(cases.map(([event, facts]) => [event.$typeName, event, facts] as const))('%s', (_, event, facts) => expect(told(event)).toEqual(facts));

  it('is thought of for each event about models that there is', () => {
    const events = new Set<string>();
    for (const type of contracts.eventRegistry) {
      // An event is a past participle; what events are made of is named by nouns.
      if (type.kind === 'message' && /^vitae\.(registry|governance|deployment|monitoring)\.v1\./.test(type.typeName) && isEvent(type.name)) events.add(type.typeName);
    }
    const thoughtOf = new Set([...cases.map(([event]) => event.$typeName), ...SILENT]);
    expect([...events].filter((type) => !thoughtOf.has(type))).toEqual([]);
  });

  it('is nothing for the silent ones', () => {
    for (const type of SILENT) {
      const schema = contracts.eventRegistry.getMessage(type);
      expect({ type, told: schema ? told(create(schema)) : 'no such type' }).toEqual({ type, told: [] });
    }
  });
});

const isEvent = (name: string): boolean => /(ed|Shifted|Begun|Lifted|Required|Ready|Restored|RolledBack)$/.test(name) && !/^(Measured|Trusted)/.test(name);

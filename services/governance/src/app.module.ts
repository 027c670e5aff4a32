import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import type { ServiceDefinition } from '@vitae/service-kit';
import { ApiTokenController } from './api-token/api-token.controller.ts';
import { ApiTokenHandler } from './api-token/api-token.handler.ts';
import { IntrospectionController } from './api-token/introspection.controller.ts';
import { ApprovalCaseController } from './approval-case/approval-case.controller.ts';
import { approvalCase } from './approval-case/approval-case.ts';
import { ApprovalCaseHandler } from './approval-case/approval-case.handler.ts';
import { ApprovalCaseRow, ApprovalRow, projectApprovalCases } from './approval-case/approval-cases.view.ts';
import { governanceConfig, type GovernanceConfig } from './config.ts';
import { DelegationController, ProjectDelegationController } from './delegation/delegation.controller.ts';
import { DelegationHandler } from './delegation/delegation.handler.ts';
import { delegation } from './delegation/delegation.ts';
import { DelegationRow, projectDelegations } from './delegation/delegations.view.ts';
import { DecisionRow, projectDecisions } from './gate/decisions.view.ts';
import { GateDecisionController } from './gate/gate-decision.controller.ts';
import { gateDecision } from './gate/gate-decision.ts';
import { GateDecisionHandler } from './gate/gate-decision.handler.ts';
import { IncidentController } from './incident/incident.controller.ts';
import { incident } from './incident/incident.ts';
import { IncidentHandler } from './incident/incident.handler.ts';
import { IncidentRow, projectIncidents, RetrainingRequestRow } from './incident/incidents.view.ts';
import { ContributionRow, MadeOfRow, projectContributions } from './lifecycle/contributions.view.ts';
import { LifecycleConsumer } from './lifecycle/lifecycle.consumer.ts';
import { projectReferences, ReferencedVersionRow } from './lifecycle/referenced-versions.view.ts';
import { DatasetVersionRow, EvaluationRow, ModelVersionRow, projectRegistry } from './lifecycle/registry.view.ts';
import { LinkedAccountsController } from './linked-accounts/linked-accounts.controller.ts';
import { LinkedAccountsHandler } from './linked-accounts/linked-accounts.handler.ts';
import { linkedAccounts } from './linked-accounts/linked-accounts.ts';
import { LinkedAccountRow, projectLinkedAccounts } from './linked-accounts/linked-accounts.view.ts';
import { PeopleController, PeopleSearchController } from './person/people.controller.ts';
import { PolicySetController } from './policy-set/policy-set.controller.ts';
import { policySet } from './policy-set/policy-set.ts';
import { PolicySetPublication } from './policy-set/policy-set.handler.ts';
import { PolicySetRow, projectPolicySets } from './policy-set/policy-sets.view.ts';
import { RetirementController } from './retirement/retirement.controller.ts';
import { retirement } from './retirement/retirement.ts';
import { RetirementHandler } from './retirement/retirement.handler.ts';
import { projectRetirements, RetirementRow } from './retirement/retirements.view.ts';
import { UseCaseController } from './use-case/use-case.controller.ts';
import { useCase } from './use-case/use-case.ts';
import { UseCaseHandler } from './use-case/use-case.handler.ts';
import { projectUseCases, UseCaseRow } from './use-case/use-cases.view.ts';

@Module({
  imports: [CqrsModule.forRoot()],
  controllers: [
    UseCaseController, PolicySetController, ApprovalCaseController, GateDecisionController, IncidentController, RetirementController,
    ProjectDelegationController, DelegationController, LinkedAccountsController, ApiTokenController, IntrospectionController, PeopleController, PeopleSearchController,
  ],
  providers: [
    UseCaseHandler, PolicySetPublication, ApprovalCaseHandler, GateDecisionHandler, IncidentHandler, RetirementHandler, DelegationHandler, LinkedAccountsHandler,
    ApiTokenHandler, LifecycleConsumer,
  ],
})
export class AppModule {}

/** Use cases, policies, approvals, gate decisions, incidents and retirements. */
export const governance: ServiceDefinition<GovernanceConfig> = {
  name: 'governance',
  module: AppModule,
  config: governanceConfig,
  database: {
    schema: 'governance',
    migrations: new URL('../migrations/', import.meta.url),
    entities: [
      UseCaseRow, PolicySetRow, ApprovalCaseRow, ApprovalRow, DecisionRow, IncidentRow, RetrainingRequestRow, RetirementRow,
      ModelVersionRow, EvaluationRow, DatasetVersionRow, ReferencedVersionRow, ContributionRow, MadeOfRow, DelegationRow, LinkedAccountRow,
    ],
    projections: [
      { category: useCase.category, tables: ['use_case'], project: projectUseCases },
      { category: policySet.category, tables: ['policy_set'], project: projectPolicySets },
      { category: approvalCase.category, tables: ['approval_case', 'approval'], project: projectApprovalCases },
      { category: gateDecision.category, tables: ['decision'], project: projectDecisions },
      { category: incident.category, tables: ['incident', 'retraining_request'], project: projectIncidents },
      { category: retirement.category, tables: ['retirement'], project: projectRetirements },
      { consumer: 'governance.lifecycle', tables: ['model_version', 'evaluation', 'dataset_version'], project: projectRegistry },
      { category: delegation.category, tables: ['delegation'], project: projectDelegations },
      { category: linkedAccounts.category, tables: ['linked_account'], project: projectLinkedAccounts },
      { consumer: 'governance.lifecycle', tables: ['contribution', 'made_of'], project: projectContributions },
      { consumer: 'governance.lifecycle', tables: ['referenced_version'], project: projectReferences },
    ],
  },
};

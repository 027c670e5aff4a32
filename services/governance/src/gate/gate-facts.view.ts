import type { EntityManager } from '@mikro-orm/postgresql';
import { approvalCasesOf } from '../approval-case/approval-cases.view.ts';
import { delegationsSince } from '../delegation/delegations.view.ts';
import { incidentsOfModel } from '../incident/incidents.view.ts';
import { contributionsTo } from '../lifecycle/contributions.view.ts';
import { datasetVersionsById, evaluationsOf, modelVersionById, quarantinesOf } from '../lifecycle/registry.view.ts';
import { linksOf } from '../linked-accounts/linked-accounts.view.ts';
import { useCaseById } from '../use-case/use-cases.view.ts';
import type { GateFacts } from './assemble-gate-input.ts';
import { questionsAbout } from './decisions.view.ts';

/** Everything that governance knows of a version at a gate, read through one entity manager; null for a version it does not know. */
export async function gateFacts(
  em: EntityManager,
  projectId: string,
  { gate, environment, modelVersionId }: { readonly gate: string; readonly environment: GateFacts['environment']; readonly modelVersionId: string },
  at: Date,
): Promise<GateFacts | null> {
  const version = await modelVersionById(em, projectId, modelVersionId);
  if (!version) return null;
  const useCase = await useCaseById(em, projectId, version.useCaseId);
  const evaluations = await evaluationsOf(em, modelVersionId);
  const datasetIds = [...new Set([version.datasetVersionId, ...evaluations.flatMap(({ datasetVersionId }) => datasetVersionId ?? [])])];
  const datasets = await datasetVersionsById(em, projectId, datasetIds);
  const quarantines = await quarantinesOf(em, projectId, datasetIds);
  const cases = await approvalCasesOf(em, gate, modelVersionId);
  const incidents = await incidentsOfModel(em, projectId, version.modelId);
  const firstWord = Math.min(at.getTime(), ...cases.flatMap(({ approvals }) => approvals.map(({ givenAt }) => givenAt.getTime())));
  const delegations = await delegationsSince(em, { project: projectId }, new Date(firstWord), at);
  return {
    gate,
    environment,
    version,
    ...(useCase ? { useCase } : {}),
    evaluations,
    datasets,
    quarantines,
    cases: cases.map(({ row: { stream, revision, subjectHash, requestedBy }, approvals }) => ({ stream, revision, subjectHash, requestedBy, approvals })),
    incidents,
    contributions: await contributionsTo(em, projectId, modelVersionId),
    questions: await questionsAbout(em, gate, modelVersionId),
    links: await linksOf(em),
    delegations: delegations.map(({ delegator, delegate, givenAt, until, revokedAt, stream, revision }) => ({ delegator, delegate, givenAt, until: revokedAt && revokedAt < until ? revokedAt : until, stream, revision })),
  };
}

import type { EntityManager } from '@mikro-orm/postgresql';
import { approvalCasesOf } from '../approval-case/approval-cases.view.ts';
import { incidentsOfModel } from '../incident/incidents.view.ts';
import { datasetVersionsById, evaluationsOf, modelVersionById } from '../lifecycle/registry.view.ts';
import { useCaseById } from '../use-case/use-cases.view.ts';
import type { GateFacts } from './assemble-gate-input.ts';

/** Everything that governance knows of a version at a gate, read through one entity manager; null for a version it does not know. */
export async function gateFacts(
  em: EntityManager,
  projectId: string,
  { gate, environment, modelVersionId }: { readonly gate: string; readonly environment: GateFacts['environment']; readonly modelVersionId: string },
): Promise<GateFacts | null> {
  const version = await modelVersionById(em, projectId, modelVersionId);
  if (!version) return null;
  const useCase = await useCaseById(em, projectId, version.useCaseId);
  const evaluations = await evaluationsOf(em, modelVersionId);
  const datasets = await datasetVersionsById(em, projectId, [version.datasetVersionId, ...evaluations.flatMap(({ datasetVersionId }) => datasetVersionId ?? [])]);
  const cases = await approvalCasesOf(em, gate, modelVersionId);
  const incidents = await incidentsOfModel(em, projectId, version.modelId);
  return {
    gate,
    environment,
    version,
    ...(useCase ? { useCase } : {}),
    evaluations,
    datasets,
    cases: cases.map(({ row: { stream, revision, subjectHash, requestedBy }, approvals }) => ({ stream, revision, subjectHash, requestedBy, approvals })),
    incidents,
  };
}

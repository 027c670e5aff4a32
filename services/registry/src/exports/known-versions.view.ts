import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { DatasetVersionRow, DatasetVersions } from '../dataset-version/dataset-versions.view.ts';
import { EvaluationRow } from '../evaluation/evaluations.view.ts';
import { Models } from '../model/models.view.ts';
import { artefactMissing } from '../model-version/model-version-refusal.ts';
import { ModelVersions } from '../model-version/versions.view.ts';
import { ModelCards } from '../model-card/model-cards.view.ts';
import { ModelVersionSignatures } from '../signature/signatures.view.ts';
import type { KnownDataset, KnownEvaluation, KnownVersion } from './known-version.ts';

/** Of a version with more evaluations the newest ones are told. */
const MOST_EVALUATIONS = 100;

/** All that the registry knows of one version or one dataset, from the views of each. */
@Injectable()
export class KnownVersions {
  constructor(
    private readonly em: EntityManager,
    private readonly models: Models,
    private readonly versions: ModelVersions,
    private readonly datasets: DatasetVersions,
    private readonly signatures: ModelVersionSignatures,
    private readonly cards: ModelCards,
  ) {}

  /**
   * Also of a version that was deleted; undefined when there never was one.
   * @throws Refused ARTEFACT_MISSING for one that was registered by reference.
   */
  async of(projectId: string, modelVersionId: string): Promise<(KnownVersion & { readonly deletedAt: string | null }) | undefined> {
    const version = await this.versions.byId(projectId, modelVersionId, 'show');
    if (!version) return undefined;
    if (!version.datasetVersionId) throw artefactMissing(version.version, 'it has neither a card nor a bill of materials');
    const model = await this.models.byId(projectId, version.modelId, 'show');
    const dataset = await this.dataset(projectId, version.datasetVersionId);
    if (!model || !dataset) return undefined;
    return {
      ...version,
      modelVersionId,
      model: { modelId: model.id, name: model.name, task: model.task, description: model.description, useCaseId: model.useCaseId ?? '' /* stated before there was any such version */ },
      signed: (await this.signatures.of(projectId, modelVersionId)) !== null,
      dataset,
      evaluations: await this.#evaluations(projectId, modelVersionId),
      card: (await this.cards.of(projectId, modelVersionId, 'published'))?.content,
    };
  }

  async dataset(projectId: string, id: string): Promise<KnownDataset | undefined> {
    const row = await this.datasets.byId(projectId, id);
    return row ? { ...row, datasetVersionId: row.id, registeredAt: row.registeredAt.toISOString() } : undefined;
  }

  async #evaluations(projectId: string, modelVersionId: string): Promise<readonly KnownEvaluation[]> {
    const em = this.em.fork();
    const rows = await em.find(EvaluationRow, { projectId, modelVersionId }, { orderBy: { id: 'desc' }, limit: MOST_EVALUATIONS });
    const datasets = await em.find(DatasetVersionRow, { projectId, id: { $in: [...new Set(rows.map(({ datasetVersionId }) => datasetVersionId))] } });
    const byId = new Map(datasets.map(({ id, datasetName, version, digest }) => [id, { datasetVersionId: id, datasetName, version, digest }]));
    return rows.flatMap(({ id, datasetVersionId, split, rowCount, metrics, groups }) => {
      const dataset = byId.get(datasetVersionId);
      return dataset ? [{ evaluationId: id, dataset, split, rowCount, metrics, groups }] : [];
    });
  }
}

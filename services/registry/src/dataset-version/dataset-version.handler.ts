import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled, type Sql } from '@vitae/event-store';
import { type CommandContext, CONFIG, Ledger, violates } from '@vitae/service-kit';
import { v7 as uuidv7 } from 'uuid';
import { artefactNotFound } from '../artefact/artefact.ts';
import { ArtefactStore } from '../artefact/artefact.store.ts';
import { ProjectArtefacts } from '../artefact/project-artefacts.store.ts';
import type { RegistryConfig } from '../config.ts';
import { outcomeOf, type Assessment } from '../dataset/assessment.ts';
import { Datasets, type ExpectedOf } from '../dataset/datasets.view.ts';
import { lockBytes } from '../model-version/version-bytes.view.ts';
import { nextVersion, scopeOfDataset } from '../version-counter.view.ts';
import { holdAncestry } from './ancestry.view.ts';
import { readContent, type ReadDataset, type Report } from './dataset-file.store.ts';
import { datasetVersion, datasetVersionExists, type DatasetVersionEvent } from './dataset-version.ts';
import { DatasetVersions, projectDatasetVersion } from './dataset-versions.view.ts';
import { datasetQuarantined, refuse } from './refusals.ts';
import type { DatasetDeclaration } from './registration.ts';

/** Asks for a dataset version as declared; what the bytes hold is found out on the way. */
export class ForDatasetVersion extends Command<Handled<DatasetVersionEvent>> {
  constructor(
    readonly declaration: DatasetDeclaration,
    readonly context: CommandContext,
    /** Hears how far the reading is, and may break it off. */
    readonly watch: { readonly report?: Report; readonly signal?: AbortSignal } = {},
  ) {
    super();
  }
}

@CommandHandler(ForDatasetVersion)
export class DatasetVersionHandler implements ICommandHandler<ForDatasetVersion> {
  constructor(
    private readonly ledger: Ledger,
    private readonly artefacts: ArtefactStore,
    private readonly brought: ProjectArtefacts,
    private readonly versions: DatasetVersions,
    private readonly datasets: Datasets,
    @Inject(CONFIG) private readonly config: RegistryConfig,
  ) {}

  async execute({ declaration, context, watch }: ForDatasetVersion): Promise<Handled<DatasetVersionEvent>> {
    const { datasetVersionId, datasetName, digest, derivedFrom } = declaration;
    const stored = await this.brought.find(context.projectId, digest);
    if (!stored) throw artefactNotFound(digest);
    await this.ledger.transact(({ sql }) => sourcesAreUsable(sql, context.projectId, derivedFrom.datasetVersionIds)); // before the long work, and again with the event
    const expected = await this.datasets.expectedOf(context.projectId, datasetName);
    const content = await this.#read(declaration, expected, context, watch);
    watch.signal?.throwIfAborted();
    try {
      return await this.ledger.together(context, async (tx) => {
        await sourcesAreUsable(tx.sql, context.projectId, derivedFrom.datasetVersionIds);
        await lockBytes(tx.sql, [digest], 'keep');
        if (!(await this.artefacts.find(digest))) throw artefactNotFound(digest); // a model version with the same bytes was purged just now
        const version = await nextVersion(tx.sql, scopeOfDataset(context.projectId, datasetName));
        return this.ledger.handleWithin(
          tx,
          datasetVersion,
          {
            stream: streamName(datasetVersion.category, datasetVersionId),
            command: { type: 'RegisterDatasetVersion', ...declaration, version, sizeBytes: stored.sizeBytes, content, assessment: assessmentOf(content, expected) },
            context: { ...context, reason: context.reason || `Registers ${datasetName} version ${version} from ${declaration.source}.`.slice(0, 2_000) },
            subjects: [`dataset-version:${datasetVersionId}`],
          },
          projectDatasetVersion,
        );
      });
    } catch (error) {
      if (!violates(error, 'dataset_version_digest_once')) throw error;
      const other = await this.versions.byDigest(context.projectId, datasetName, digest);
      throw datasetVersionExists(datasetName, other ? { version: other.version, erased: other.erasure !== null } : undefined, digest);
    }
  }

  async #read({ digest, mediaType, splitColumn, piiClasses }: DatasetDeclaration, expected: ExpectedOf | undefined, { occurredAt }: CommandContext, { report, signal }: ForDatasetVersion['watch']): Promise<ReadDataset> {
    const workspace = { scratch: this.artefacts.scratch, memoryMb: this.config.VITAE_DATASET_MEMORY_MB, spillMb: this.config.VITAE_DATASET_SPILL_MB, signal };
    const asked = expected && { expectations: expected.expectations, now: occurredAt, personal: (column: string) => (piiClasses[column] ?? 'none') !== 'none' };
    await using rows = await this.artefacts.checkOut([{ path: 'rows', digest }]);
    return await readContent({ path: rows.pathOf('rows'), mediaType }, splitColumn, workspace, { asked, report });
  }
}

function assessmentOf({ results, rowCount }: ReadDataset, expected: ExpectedOf | undefined): Assessment | undefined {
  if (!expected) return undefined;
  const { expectationsRevision, onFailure } = expected;
  return { assessmentId: uuidv7(), expectationsRevision, onFailure, rowCount, results, outcome: outcomeOf(results) };
}

/** @throws Refused SOURCE_UNKNOWN, DATASET_QUARANTINED. What was erased is named all the same: it is where the data came from. */
async function sourcesAreUsable(sql: Sql, projectId: string, ids: readonly string[]): Promise<void> {
  for (const id of [...ids].sort()) {
    const held = await holdAncestry(sql, projectId, id);
    const self = held.find(({ datasetVersionId }) => datasetVersionId === id);
    if (!self) throw refuse('SOURCE_UNKNOWN', `It cannot be derived from ${id}: there is no such dataset version in this project. Register that first, or name a source outside of the registry under derivedFrom.uris.`);
    const through = self.quarantined ? self : held.find(({ quarantined }) => quarantined);
    if (through) throw datasetQuarantined(self, through, 'nothing can be derived from it');
  }
}

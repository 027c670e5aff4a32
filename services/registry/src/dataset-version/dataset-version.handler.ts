import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { DatasetVersionRegistered } from '@vitae/contracts';
import { streamName, type Handled } from '@vitae/event-store';
import { type CommandContext, CONFIG, Ledger, violates } from '@vitae/service-kit';
import { artefactNotFound } from '../artefact/artefact.ts';
import { ArtefactStore } from '../artefact/artefact.store.ts';
import type { RegistryConfig } from '../config.ts';
import { lockBytes } from '../model-version/version-bytes.view.ts';
import { nextVersion, scopeOfDataset } from '../version-counter.view.ts';
import { readContent } from './dataset-file.store.ts';
import { datasetVersion, datasetVersionExists, type DatasetDeclaration } from './dataset-version.ts';
import { DatasetVersions, projectDatasetVersion } from './dataset-versions.view.ts';

/** Asks for a dataset version as declared; what the bytes hold is found out on the way. */
export class ForDatasetVersion extends Command<Handled<DatasetVersionRegistered>> {
  constructor(
    readonly declaration: DatasetDeclaration,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForDatasetVersion)
export class DatasetVersionHandler implements ICommandHandler<ForDatasetVersion> {
  constructor(
    private readonly ledger: Ledger,
    private readonly artefacts: ArtefactStore,
    private readonly versions: DatasetVersions,
    @Inject(CONFIG) private readonly config: RegistryConfig,
  ) {}

  async execute({ declaration, context }: ForDatasetVersion): Promise<Handled<DatasetVersionRegistered>> {
    const { datasetVersionId, datasetName, digest, mediaType, splitColumn } = declaration;
    const stored = await this.artefacts.find(digest);
    if (!stored) throw artefactNotFound(digest);
    const workspace = { scratch: this.artefacts.scratch, memoryMb: this.config.VITAE_DATASET_MEMORY_MB };
    await using rows = await this.artefacts.checkOut([{ path: 'rows', digest }]);
    const content = await readContent({ path: rows.pathOf('rows'), mediaType }, splitColumn, workspace);
    try {
      return await this.ledger.together(context, async (tx) => {
        await lockBytes(tx.sql, [digest], 'keep');
        if (!(await this.artefacts.find(digest))) throw artefactNotFound(digest); // a model version with the same bytes was purged just now
        const version = await nextVersion(tx.sql, scopeOfDataset(context.projectId, datasetName));
        return this.ledger.handleWithin(
          tx,
          datasetVersion,
          {
            stream: streamName(datasetVersion.category, datasetVersionId),
            command: { type: 'RegisterDatasetVersion', ...declaration, version, sizeBytes: stored.sizeBytes, content },
            context: { ...context, reason: context.reason || `Registers ${datasetName} version ${version} from ${declaration.source}.` },
            subjects: [`dataset-version:${datasetVersionId}`],
          },
          projectDatasetVersion,
        );
      });
    } catch (error) {
      if (!violates(error, 'dataset_version_digest_once')) throw error;
      const other = await this.versions.byDigest(context.projectId, datasetName, digest);
      throw datasetVersionExists(datasetName, other?.version, digest);
    }
  }
}

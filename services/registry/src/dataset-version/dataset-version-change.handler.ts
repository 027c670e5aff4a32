import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { accountsBehind, type Actor } from '@vitae/contracts';
import { streamName, type Handled } from '@vitae/event-store';
import { because, type CommandContext, CONFIG, Ledger, type ViewTransaction } from '@vitae/service-kit';
import { v7 as uuidv7 } from 'uuid';
import { ArtefactStore } from '../artefact/artefact.store.ts';
import type { RegistryConfig } from '../config.ts';
import { outcomeOf, type Assessment } from '../dataset/assessment.ts';
import { Datasets } from '../dataset/datasets.view.ts';
import { linksOf } from '../linked-accounts.view.ts';
import { lockBytes, neededElsewhere } from '../model-version/version-bytes.view.ts';
import { builtOn, trainedOn } from './ancestry.view.ts';
import { assess } from './dataset-file.store.ts';
import { datasetVersion, datasetVersionNotFound, type ClassifySensitivity, type DatasetVersionCommand, type DatasetVersionEvent, type EraseDatasetVersion } from './dataset-version.ts';
import { DatasetVersions, projectDatasetVersion, type DatasetVersionRow } from './dataset-versions.view.ts';
import { datasetVersionErased, refuse } from './refusals.ts';

type Named<Type extends DatasetVersionCommand['type']> = Extract<DatasetVersionCommand, { type: Type }>;

/** What a caller wants of a version that is there; what rests on it, and what its data hold, is found here. */
export type DatasetVersionOrder =
  | Named<'QuarantineDatasetVersion' | 'DeprecateDatasetVersion' | 'LiftDatasetVersionDeprecation'>
  | { readonly type: 'LiftQuarantine'; readonly reason: string }
  | ClassifySensitivity
  | { readonly type: 'AssessQuality' }
  | Pick<EraseDatasetVersion, 'type' | 'reason' | 'force'>;

export class ForRegisteredDatasetVersion extends Command<Handled<DatasetVersionEvent>> {
  constructor(
    readonly datasetVersionId: string,
    readonly order: DatasetVersionOrder,
    readonly context: CommandContext,
  ) {
    super();
  }
}

/** An event names at most 32 subjects: itself, and the newest model versions that it concerns. */
const MOST_CONCERNED = 31;
const MOST_BUILT_ON = 1_000;

@CommandHandler(ForRegisteredDatasetVersion)
export class DatasetVersionChangeHandler implements ICommandHandler<ForRegisteredDatasetVersion> {
  constructor(
    private readonly ledger: Ledger,
    private readonly artefacts: ArtefactStore,
    private readonly versions: DatasetVersions,
    private readonly datasets: Datasets,
    @Inject(CONFIG) private readonly config: RegistryConfig,
  ) {}

  async execute({ datasetVersionId, order, context }: ForRegisteredDatasetVersion): Promise<Handled<DatasetVersionEvent>> {
    const { projectId } = context;
    const row = await this.versions.byId(projectId, datasetVersionId);
    if (!row) throw datasetVersionNotFound(datasetVersionId);
    if (order.type === 'DeprecateDatasetVersion') await this.#successorIsThere(projectId, order.successorDatasetVersionId);
    const assessment = order.type === 'AssessQuality' ? await this.#assess(row, context) : undefined;
    const registrants = order.type === 'LiftQuarantine' || order.type === 'ClassifySensitivity' ? await this.#registrantsOf(datasetVersionId) : [];
    return this.ledger.together(context, async (tx) => {
      await tx.sql.query('select from registry.dataset_version where id = $1 for no key update', [datasetVersionId]);
      const command = await commandOf(tx, order, row, { assessment, actor: context.actor, registrants });
      const concerned = order.type === 'QuarantineDatasetVersion' || order.type === 'LiftQuarantine' || order.type === 'EraseDatasetVersion' || assessment?.outcome === 'failed' ? await builtOn(tx.sql, projectId, datasetVersionId, MOST_CONCERNED) : [];
      return this.ledger.handleWithin(
        tx,
        datasetVersion,
        {
          stream: streamName(datasetVersion.category, datasetVersionId),
          command,
          context: because(context, `${DOES[order.type]} ${row.datasetName} version ${row.version}.`),
          subjects: [`dataset-version:${datasetVersionId}`, ...concerned.map((id) => `model-version:${id}`)],
        },
        projectDatasetVersion,
      );
    });
  }

  async #assess(row: DatasetVersionRow, { projectId, occurredAt }: CommandContext): Promise<Assessment> {
    const { id, datasetName, version, digest, mediaType, columns, rowCount } = row;
    if (row.erasure) throw datasetVersionErased({ datasetVersionId: id, datasetName, version });
    const expected = await this.datasets.expectedOf(projectId, datasetName);
    if (!expected) throw refuse('EXPECTATIONS_MISSING', `Nothing is expected of ${datasetName}. State it first: PUT …/datasets/${datasetName}/expectations.`, 409);
    const personal = new Set(columns.filter(({ piiClass, piiUnconfirmed }) => piiClass !== 'none' || piiUnconfirmed).map(({ name }) => name));
    const types = new Map(columns.map(({ name, dataType }) => [name, dataType]));
    const workspace = { scratch: this.artefacts.scratch, memoryMb: this.config.VITAE_DATASET_MEMORY_MB, spillMb: this.config.VITAE_DATASET_SPILL_MB };
    await using rows = await this.artefacts.checkOut([{ path: 'rows', digest }]);
    const asked = { expectations: expected.expectations, now: occurredAt, personal: (column: string) => personal.has(column) };
    const results = await assess({ path: rows.pathOf('rows'), mediaType }, types, asked, workspace);
    return { assessmentId: uuidv7(), expectationsRevision: expected.expectationsRevision, onFailure: expected.onFailure, rowCount, results, outcome: outcomeOf(results) };
  }

  /** Who registered it, and for whom: the row knows the first alone. */
  async #registrantsOf(datasetVersionId: string): Promise<readonly string[]> {
    const [first] = await this.ledger.readStream(streamName(datasetVersion.category, datasetVersionId));
    return first ? [first.actor.id, first.actor.onBehalfOf].filter(Boolean) : [];
  }

  async #successorIsThere(projectId: string, id: string): Promise<void> {
    if (id !== '' && !(await this.versions.byId(projectId, id))) throw refuse('SUCCESSOR_UNFIT', `There is no dataset version ${id} in this project that could take its place. Name another one, or none.`);
  }
}

interface Found {
  readonly assessment: Assessment | undefined;
  readonly actor: Actor;
  readonly registrants: readonly string[];
}

/** The version's row is locked already; bytes come after rows. */
async function commandOf({ sql }: ViewTransaction, order: DatasetVersionOrder, { id, projectId, digest }: DatasetVersionRow, { assessment, actor, registrants }: Found): Promise<DatasetVersionCommand> {
  if (order.type === 'EraseDatasetVersion') {
    await lockBytes(sql, [digest], 'remove');
    return { ...order, builtOn: await trainedOn(sql, projectId, id, MOST_BUILT_ON), needed: (await neededElsewhere(sql, [digest], id)).length > 0 };
  }
  if (order.type === 'LiftQuarantine' || order.type === 'ClassifySensitivity') return { ...order, by: actor.id, accounts: accountsBehind(await linksOf(sql), actor), registrants };
  if (order.type !== 'AssessQuality') return order;
  if (!assessment) throw new Error('the quality was not assessed before it is recorded');
  return { type: 'RecordQuality', assessment };
}

/** What is said of a change when the caller gives no reason. */
const DOES: Readonly<Record<DatasetVersionOrder['type'], string>> = {
  QuarantineDatasetVersion: 'Puts into quarantine',
  LiftQuarantine: 'Takes out of quarantine',
  DeprecateDatasetVersion: 'Deprecates',
  LiftDatasetVersionDeprecation: 'Lifts the deprecation of',
  ClassifySensitivity: 'Classes columns of',
  AssessQuality: 'Assesses the quality of',
  EraseDatasetVersion: 'Erases the bytes of',
};

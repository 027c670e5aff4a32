import type { Message } from '@bufbuild/protobuf';
import type { DatasetVersionErased, ModelVersionPurged, RetirementApproved, TrafficShifted, VariantRemoved } from '@vitae/contracts';
import { streamName, type RecordedEvent, type Sql } from '@vitae/event-store';
import { Ledger, LedgerConsumer, reactionContext, type LedgerHandler, type ViewTransaction } from '@vitae/service-kit';
import { ArtefactStore } from '../artefact/artefact.store.ts';
import { projectLinks } from '../linked-accounts.view.ts';
import { subjectsOf } from './model-version.handler.ts';
import { modelVersion } from './model-version.ts';
import type { StoredFile } from './model-version-command.ts';
import { modelVersionNotFound, modelVersionPurged } from './model-version-refusal.ts';
import { dueRetirements, type ApprovedRetirement } from './reactions.ts';
import { forgetApproval, projectApproval, projectRemoval, projectTraffic, retirementState } from './traffic.view.ts';
import { lockBytes, neededElsewhere, stillUsed } from './version-bytes.view.ts';
import { ModelVersionRow, projectModelVersion } from './version-rows.view.ts';

type Followed = RetirementApproved | TrafficShifted | VariantRemoved;
const FOLLOWED: readonly string[] = ['vitae.governance.v1.RetirementApproved', 'vitae.deployment.v1.TrafficShifted', 'vitae.deployment.v1.VariantRemoved'] satisfies Followed['$typeName'][];

const PURGED = 'vitae.registry.v1.ModelVersionPurged' satisfies ModelVersionPurged['$typeName'];
const ERASED = 'vitae.registry.v1.DatasetVersionErased' satisfies DatasetVersionErased['$typeName'];

/** Removes what was purged or erased. Follows who serves, and retires a version once governance approved that and nobody sends it traffic any more. */
@LedgerConsumer({ name: 'registry.lifecycle' })
export class LifecycleConsumer implements LedgerHandler {
  constructor(
    private readonly ledger: Ledger,
    private readonly artefacts: ArtefactStore,
  ) {}

  async handle(recorded: RecordedEvent, tx: ViewTransaction): Promise<void> {
    if (recorded.event.$typeName === PURGED) {
      const { removed, modelVersionId } = recorded.event as ModelVersionPurged;
      return this.#remove(removed, modelVersionId, tx.sql);
    }
    if (recorded.event.$typeName === ERASED) {
      const { removed, datasetVersionId } = recorded.event as DatasetVersionErased;
      return this.#remove(removed, datasetVersionId, tx.sql);
    }
    await projectLinks(tx, recorded);
    if (!isFollowed(recorded.event)) return;
    await projectFollowed(tx, recorded);
    for (const retirement of dueRetirements(await retirementState(tx.sql, recorded.projectId))) await this.#retire(recorded, retirement, tx);
  }

  /** Copies to the archive before the commit, and copying twice does no harm: a crash in between loses and doubles nothing. */
  async #retire(cause: RecordedEvent, retirement: ApprovedRetirement, tx: ViewTransaction): Promise<void> {
    const { modelVersionId, retirementId } = retirement;
    const version = await tx.em.findOne(ModelVersionRow, { id: modelVersionId, projectId: cause.projectId });
    // Also an approval from another project: it is set aside and reported, and nobody's version is touched.
    if (!version) throw modelVersionNotFound(modelVersionId);
    if (version.purgedAt) throw modelVersionPurged(version.version);
    const { files } = version;
    const locations: string[] = [];
    for (const { digest } of files) locations.push(await this.artefacts.archive(digest));
    await this.ledger.handleWithin(
      tx,
      modelVersion,
      {
        stream: streamName(modelVersion.category, modelVersionId),
        command: { type: 'RetireModelVersion', retirementId, archiveLocation: locations.join(' ') },
        context: reactionContext(cause, 'registry', `Retirement ${retirementId} is approved and no endpoint sends this version traffic; its artefact is in the archive.`, modelVersionId),
        subjects: [...subjectsOf({ ...version, modelVersionId }), `retirement:${retirementId}`],
      },
      projectModelVersion,
    );
    await forgetApproval(tx.sql, retirement);
    await this.#release(files, modelVersionId, tx.sql);
  }

  /**
   * The event is there, so the bytes may go: here and not with the command, so that a crash in between cannot leave them. But
   * not those that something was registered with since; whoever registers them now waits until they are gone, and is told.
   */
  async #remove(removed: readonly string[], otherThan: string, sql: Sql): Promise<void> {
    await lockBytes(sql, removed, 'remove');
    const needed = await neededElsewhere(sql, removed, otherThan);
    for (const digest of removed) if (!needed.includes(digest)) await this.artefacts.remove(digest);
  }

  /** The archive has the bytes and reads fall back to it, so this is safe even if the transaction does not commit. */
  async #release(files: readonly StoredFile[], modelVersionId: string, sql: Sql): Promise<void> {
    for (const { digest } of files) {
      if (!(await stillUsed(sql, digest, modelVersionId))) await this.artefacts.release(digest);
    }
  }
}

const isFollowed = (event: Message): event is Followed => FOLLOWED.includes(event.$typeName);

/** What the views take from other services; everything else is passed over. */
export async function projectFollowed({ sql }: ViewTransaction, { projectId, event }: RecordedEvent): Promise<void> {
  if (!isFollowed(event)) return;
  switch (event.$typeName) {
    case 'vitae.governance.v1.RetirementApproved':
      return projectApproval(sql, projectId, event);
    case 'vitae.deployment.v1.TrafficShifted':
      return projectTraffic(sql, event);
    case 'vitae.deployment.v1.VariantRemoved':
      return projectRemoval(sql, event);
  }
}

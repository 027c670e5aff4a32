import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName } from '@vitae/event-store';
import { because, type CommandContext, Ledger, type ViewTransaction } from '@vitae/service-kit';
import { modelDeleted, modelNotFound } from '../model/model.ts';
import { lockModel } from '../model/models.view.ts';
import { modelVersion } from './model-version.ts';
import type { Stage } from './model-version-command.ts';
import { modelVersionNotFound } from './model-version-refusal.ts';
import { subjectsOf } from './model-version.handler.ts';
import { lockVersionNumber, numbersInStage, type LockedVersion } from './locked-version.view.ts';
import { projectModelVersion } from './version-rows.view.ts';

/** Puts a version into a stage and, if wished, those that are in it into the archive. */
export class ForStage extends Command<void> {
  constructor(
    readonly modelId: string,
    readonly order: { readonly version: number; readonly stage: Stage; readonly archiveOthers: boolean },
    readonly context: CommandContext,
  ) {
    super();
  }
}

/** One commit for all of them: whoever reads never sees two versions in a stage that should have one. */
@CommandHandler(ForStage)
export class StageHandler implements ICommandHandler<ForStage> {
  constructor(private readonly ledger: Ledger) {}

  async execute({ modelId, order: { version, stage, archiveOthers }, context }: ForStage): Promise<void> {
    await this.ledger.together(context, async (tx) => {
      const model = await lockModel(tx.sql, context.projectId, modelId);
      if (!model) throw modelNotFound(modelId);
      if (model.deleted) throw modelDeleted(model.name);
      const others = archiveOthers ? (await numbersInStage(tx.sql, modelId, stage)).filter((number) => number !== version) : [];
      const versions: [LockedVersion, Stage][] = [];
      for (const [number, to] of [[version, stage] as const, ...others.map((other) => [other, 'Archived'] as const)]) {
        const locked = await lockVersionNumber(tx.sql, modelId, number);
        if (!locked || locked.deleted) throw modelVersionNotFound(`${number} of ${model.name}`);
        versions.push([locked, to]);
      }
      for (const [one, to] of versions) await this.#assign(tx, one, to, because(context, `Puts version ${version} of ${model.name} into the stage ${stage}${others.length > 0 ? ', and what was there into the archive' : ''}.`));
    });
  }

  #assign(tx: ViewTransaction, version: LockedVersion, stage: Stage, { idempotency, ...context }: CommandContext) {
    const { modelVersionId, snapshot } = version;
    // Of one request several streams change: each under a key of its own.
    const own = idempotency && { ...idempotency, key: `${idempotency.key}/${modelVersionId}` };
    const request = { stream: streamName(modelVersion.category, modelVersionId), command: { type: 'AssignStage' as const, stage }, context: { ...context, ...(own ? { idempotency: own } : {}) }, subjects: subjectsOf(version), snapshot };
    return this.ledger.handleWithin(tx, modelVersion, request, projectModelVersion);
  }
}

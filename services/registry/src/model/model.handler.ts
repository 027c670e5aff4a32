import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { accountsBehind, type Actor } from '@vitae/contracts';
import { streamName, type Handled } from '@vitae/event-store';
import { because, caughtUp, type CommandContext, Consumers, Ledger, violates, type ViewTransaction } from '@vitae/service-kit';
import { linksOf } from '../linked-accounts.view.ts';
import { modelVersionNotFound, modelVersionPurged } from '../model-version/model-version-refusal.ts';
import { servingOf } from '../model-version/traffic.view.ts';
import { pinningsOf } from '../ai-system/pins.view.ts';
import { lockVersionNumber } from '../model-version/locked-version.view.ts';
import { AliasRefused } from './alias.ts';
import { model, modelNameTaken, modelNotFound, successorNotFound, type ModelCommand, type ModelEvent, type RegisterModel } from './model.ts';
import { lockModel, lockNames, Models, projectModel, type LockedModel } from './models.view.ts';

type Named<Type extends ModelCommand['type']> = Extract<ModelCommand, { type: Type }>;

/** What a caller wants of a model that is there. What the rules need beyond it (who acts, who serves, who built a version) is found here. */
export type ModelChange =
  | Named<'RenameModel' | 'DescribeModel' | 'StatePurpose' | 'TagModel' | 'RemoveModelTag' | 'DeprecateModel' | 'LiftModelDeprecation' | 'RestoreModel'>
  | { readonly type: 'DeleteModel' }
  | { readonly type: 'AssignAlias'; readonly alias: string; readonly version: number }
  | { readonly type: 'RemoveAlias' | 'LiftAliasProtection'; readonly alias: string }
  | { readonly type: 'ProtectAlias'; readonly alias: string; readonly allowed: readonly string[] };

export class ForModel extends Command<Handled<ModelEvent>> {
  constructor(
    readonly modelId: string,
    readonly order: RegisterModel | ModelChange,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForModel)
export class ModelHandler implements ICommandHandler<ForModel> {
  constructor(
    private readonly ledger: Ledger,
    private readonly models: Models,
    private readonly consumers: Consumers,
  ) {}

  async execute({ modelId, order, context }: ForModel): Promise<Handled<ModelEvent>> {
    if (order.type === 'DeleteModel') await caughtUp(this.consumers); // with who serves
    if (order.type === 'DeprecateModel') await this.#successorIsThere(context.projectId, order.successorModelId);
    let name = order.type === 'RegisterModel' || order.type === 'RenameModel' ? order.name : '';
    try {
      return await this.ledger.together(context, async (tx) => {
        if (order.type === 'RegisterModel') {
          await lockNames(tx.sql, context.projectId, [name]);
          return this.#append(tx, modelId, order, because(context, `Registers the model ${name}.`), ofUseCase(order.useCaseId), undefined);
        }
        const known = await lockModel(tx.sql, context.projectId, modelId);
        if (!known) throw modelNotFound(modelId);
        name ||= known.name;
        if (order.type === 'RenameModel' || order.type === 'DeleteModel' || order.type === 'RestoreModel') await lockNames(tx.sql, context.projectId, [name, known.name]);
        const { command, more = [] } = await this.#command(tx, modelId, order, known, context.actor);
        return this.#append(tx, modelId, command, because(context, reasonOf(order, known.name)), [...ofUseCase(order.type === 'StatePurpose' ? order.useCaseId : known.useCaseId), ...more], known.snapshot);
      });
    } catch (error) {
      if (error instanceof AliasRefused) await recordAliasRefusal(this.ledger, modelId, error, 'version' in order ? order.version : 0, context);
      throw violates(error, 'model_name_once') ? modelNameTaken(name) : error;
    }
  }

  #append(tx: ViewTransaction, modelId: string, command: ModelCommand, context: CommandContext, more: readonly string[], snapshot: LockedModel['snapshot'] | undefined): Promise<Handled<ModelEvent>> {
    const request = { stream: streamName(model.category, modelId), command, context, subjects: [`model:${modelId}`, ...more], snapshot };
    return this.ledger.handleWithin(tx, model, request, projectModel);
  }

  async #command({ sql }: ViewTransaction, modelId: string, order: ModelChange, { name }: LockedModel, actor: Actor): Promise<{ readonly command: ModelCommand; readonly more?: readonly string[] }> {
    const by = actor.id;
    switch (order.type) {
      case 'AssignAlias': {
        const version = await lockVersionNumber(sql, modelId, order.version);
        if (!version || version.deleted) throw modelVersionNotFound(`${order.version} of ${name}`);
        if (version.purged) throw modelVersionPurged(order.version);
        const { modelVersionId, contributors } = version;
        return { command: { ...order, modelVersionId, contributors, by: actor.id, accounts: accountsBehind(await linksOf(sql), actor) }, more: [`model-version:${modelVersionId}`] };
      }
      case 'DeleteModel':
        return { command: { ...order, serving: await servingOf(sql, { modelId }), pinnedBy: await pinningsOf(sql, { modelId }), by } };
      case 'RemoveAlias':
      case 'ProtectAlias':
      case 'LiftAliasProtection':
        return { command: { ...order, by } };
      default:
        return { command: order };
    }
  }

  async #successorIsThere(projectId: string, id: string): Promise<void> {
    if (id !== '' && !(await this.models.byId(projectId, id))) throw successorNotFound(id);
  }
}

/** As a subject; none when it is not known. */
export const ofUseCase = (id: string): string[] => (id === '' ? [] : [`use-case:${id}`]);

/** In a transaction of its own: the one that was refused is gone. Not under the caller's key, which the next try may use. */
export async function recordAliasRefusal(ledger: Ledger, modelId: string, { alias, reason, message }: AliasRefused, version: number, context: CommandContext): Promise<void> {
  const { idempotency: _key, expected: _expected, ...own } = context;
  const command: ModelCommand = { type: 'RecordAliasRefusal', alias, version, refusal: reason.toLowerCase().replaceAll('_', '-') };
  const request = { stream: streamName(model.category, modelId), command, context: { ...own, reason: message.slice(0, 2_000) }, subjects: [`model:${modelId}`] };
  await ledger.handle(model, request, projectModel);
}

/** What is said of a change when the caller gives no reason. */
function reasonOf(order: ModelChange, name: string): string {
  switch (order.type) {
    case 'RenameModel':
      return `Renames the model ${name} to ${order.name}.`;
    case 'DescribeModel':
      return `Describes the model ${name} anew.`;
    case 'StatePurpose':
      return `Says what the model ${name} does, and for which use case.`;
    case 'TagModel':
      return `Tags the model ${name} with ${order.key}.`;
    case 'RemoveModelTag':
      return `Removes the tag ${order.key} from the model ${name}.`;
    case 'DeprecateModel':
      return `Deprecates the model ${name}.`;
    case 'LiftModelDeprecation':
      return `Lifts the deprecation of the model ${name}.`;
    case 'DeleteModel':
      return `Deletes the model ${name}.`;
    case 'RestoreModel':
      return `Restores the model ${name}.`;
    case 'AssignAlias':
      return `Makes version ${order.version} of ${name} its ${order.alias}.`;
    case 'RemoveAlias':
      return `Removes the alias ${order.alias} of ${name}.`;
    case 'ProtectAlias':
      return `Protects the alias ${order.alias} of ${name}.`;
    case 'LiftAliasProtection':
      return `Lifts the protection of the alias ${order.alias} of ${name}.`;
  }
}

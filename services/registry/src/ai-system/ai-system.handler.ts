import { createHash } from 'node:crypto';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { canonicalJson, type AISystemRegistered } from '@vitae/contracts';
import { streamName, type Handled } from '@vitae/event-store';
import { because, type CommandContext, Ledger, violates } from '@vitae/service-kit';
import type { Json } from '../json.ts';
import { nextVersion } from '../version-counter.view.ts';
import { aiSystem, aiSystemNameTaken, aiSystemNotFound, aiSystemVersion, aiSystemVersionNotFound, alreadyComposed, type AISystemVersionChange, type AISystemVersionEvent, type RegisterAISystem } from './ai-system.ts';
import { AISystems, projectAISystem, projectAISystemVersion, scopeOfSystem } from './ai-systems.view.ts';
import { holdVersions, standingOf } from './components.view.ts';
import { compositionOf, digested, type PinnedComponent, type SaidComponent } from './composition.ts';

export class ForAISystem extends Command<Handled<AISystemRegistered>> {
  constructor(
    readonly command: RegisterAISystem,
    readonly context: CommandContext,
  ) {
    super();
  }
}

/** What a caller wants a version to be made of; what the components are is found here. */
export interface ComposeOrder {
  readonly type: 'ComposeAISystemVersion';
  readonly aiSystemId: string;
  readonly components: readonly SaidComponent[];
  readonly parameters: Json;
  readonly description: string;
  readonly contributors: readonly string[];
}

export class ForAISystemVersion extends Command<Handled<AISystemVersionEvent>> {
  constructor(
    readonly aiSystemVersionId: string,
    readonly order: ComposeOrder | AISystemVersionChange,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForAISystem)
export class AISystemHandler implements ICommandHandler<ForAISystem> {
  constructor(private readonly ledger: Ledger) {}

  async execute({ command, context }: ForAISystem): Promise<Handled<AISystemRegistered>> {
    const { aiSystemId, name, useCaseId } = command;
    const request = { stream: streamName(aiSystem.category, aiSystemId), command, context: because(context, `Registers the AI system ${name}.`), subjects: [`ai-system:${aiSystemId}`, `use-case:${useCaseId}`] };
    try {
      return await this.ledger.handle(aiSystem, request, projectAISystem);
    } catch (error) {
      throw violates(error, 'ai_system_name_once') ? aiSystemNameTaken(name) : error;
    }
  }
}

@CommandHandler(ForAISystemVersion)
export class AISystemVersionHandler implements ICommandHandler<ForAISystemVersion> {
  constructor(
    private readonly ledger: Ledger,
    private readonly systems: AISystems,
  ) {}

  execute({ aiSystemVersionId, order, context }: ForAISystemVersion): Promise<Handled<AISystemVersionEvent>> {
    return order.type === 'ComposeAISystemVersion' ? this.#compose(aiSystemVersionId, order, context) : this.#change(aiSystemVersionId, order, context);
  }

  async #compose(aiSystemVersionId: string, order: ComposeOrder, context: CommandContext): Promise<Handled<AISystemVersionEvent>> {
    const { aiSystemId } = order;
    const system = await this.systems.byId(context.projectId, aiSystemId);
    if (!system) throw aiSystemNotFound(aiSystemId);
    const { name, useCaseId } = system;
    let digest = '';
    try {
      return await this.ledger.together(context, async (tx) => {
        const version = await nextVersion(tx.sql, scopeOfSystem(aiSystemId));
        await holdVersions(tx.sql, context.projectId, order.components);
        const composition = compositionOf(order.components, order.parameters, await standingOf(tx.sql, context.projectId, order.components));
        digest = `sha256:${createHash('sha256').update(canonicalJson(digested(composition))).digest('hex')}`;
        const command = { ...order, ...composition, aiSystemVersionId, aiSystemName: name, version, digest, useCaseId, composedBy: context.actor.onBehalfOf || context.actor.id };
        const subjects = subjectsOf({ id: aiSystemVersionId, aiSystemId, useCaseId, components: composition.components });
        const request = { stream: streamName(aiSystemVersion.category, aiSystemVersionId), command, context: because(context, `Composes version ${version} of ${name}.`), subjects };
        return this.ledger.handleWithin(tx, aiSystemVersion, request, projectAISystemVersion);
      });
    } catch (error) {
      if (!violates(error, 'ai_system_version_composition_once')) throw error;
      const other = await this.systems.byDigest(context.projectId, aiSystemId, digest);
      throw alreadyComposed(name, other?.version, digest);
    }
  }

  async #change(id: string, command: AISystemVersionChange, context: CommandContext): Promise<Handled<AISystemVersionEvent>> {
    const known = await this.systems.version(context.projectId, id);
    if (!known) throw aiSystemVersionNotFound(id);
    const does = command.type === 'DeprecateAISystemVersion' ? 'Deprecates' : 'Retires';
    const request = { stream: streamName(aiSystemVersion.category, id), command, context: because(context, `${does} version ${known.version} of ${known.aiSystemName}.`), subjects: subjectsOf(known) };
    return this.ledger.handle(aiSystemVersion, request, projectAISystemVersion);
  }
}

/** Every component is a subject, so that its history tells which systems it was part of. */
const subjectsOf = ({ id, aiSystemId, useCaseId, components }: { readonly id: string; readonly aiSystemId: string; readonly useCaseId: string; readonly components: readonly PinnedComponent[] }): string[] => [
  ...new Set([`ai-system:${aiSystemId}`, `ai-system-version:${id}`, `use-case:${useCaseId}`, ...components.map((one) => `${one.kind === 'prompt-version' ? 'model-version' : one.kind}:${one.id}`)]),
];

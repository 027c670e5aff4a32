import { createHash } from 'node:crypto';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { canonicalJson } from '@vitae/contracts';
import { streamName, type Handled } from '@vitae/event-store';
import { because, type CommandContext, Ledger, violates } from '@vitae/service-kit';
import { guardrail, guardrailFact, type GuardrailContent, type GuardrailEvent } from '../guardrail/guardrail.ts';
import { tool, toolFact, type ToolContent, type ToolEvent } from '../tool/tool.ts';
import { nameTaken, type RevisionCommand } from './revision.ts';
import { projectRevised } from './revised.view.ts';

/** What a caller wants; the digest of what is drafted is made here. */
export type RevisionOrder<Content> =
  | { readonly type: 'Draft'; readonly name: string; readonly content: Content }
  | { readonly type: 'Redraft'; readonly content: Content }
  | Extract<RevisionCommand<Content>, { type: 'Publish' | 'Deprecate' | 'Retire' }>;

export class ForGuardrail extends Command<Handled<GuardrailEvent>> {
  constructor(
    readonly id: string,
    readonly order: RevisionOrder<GuardrailContent>,
    readonly context: CommandContext,
  ) {
    super();
  }
}

export class ForTool extends Command<Handled<ToolEvent>> {
  constructor(
    readonly id: string,
    readonly order: RevisionOrder<ToolContent>,
    readonly context: CommandContext,
  ) {
    super();
  }
}

export const projectGuardrail = projectRevised('guardrail', guardrailFact);
export const projectTool = projectRevised('tool', toolFact);

@CommandHandler(ForGuardrail)
export class GuardrailHandler implements ICommandHandler<ForGuardrail> {
  constructor(private readonly ledger: Ledger) {}

  execute({ id, order, context }: ForGuardrail): Promise<Handled<GuardrailEvent>> {
    const request = { stream: streamName(guardrail.category, id), command: commandOf(id, order), context: because(context, reasonOf(order, 'guardrail')), subjects: [`guardrail:${id}`] };
    return named('guardrail', order, () => this.ledger.handle(guardrail, request, projectGuardrail));
  }
}

@CommandHandler(ForTool)
export class ToolHandler implements ICommandHandler<ForTool> {
  constructor(private readonly ledger: Ledger) {}

  execute({ id, order, context }: ForTool): Promise<Handled<ToolEvent>> {
    const request = { stream: streamName(tool.category, id), command: commandOf(id, order), context: because(context, reasonOf(order, 'tool')), subjects: [`tool:${id}`] };
    return named('tool', order, () => this.ledger.handle(tool, request, projectTool));
  }
}

function commandOf<Content>(id: string, order: RevisionOrder<Content>): RevisionCommand<Content> {
  if (order.type !== 'Draft' && order.type !== 'Redraft') return order;
  const digest = `sha256:${createHash('sha256').update(canonicalJson(order.content)).digest('hex')}`;
  return order.type === 'Draft' ? { ...order, id, digest } : { ...order, digest };
}

/** The database knows which names are taken. */
async function named<Result>(what: string, order: RevisionOrder<unknown>, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw order.type === 'Draft' && violates(error, `${what}_name_once`) ? nameTaken(what, order.name) : error;
  }
}

function reasonOf(order: RevisionOrder<unknown>, what: string): string {
  switch (order.type) {
    case 'Draft':
      return `Drafts the ${what} ${order.name}.`;
    case 'Redraft':
      return `Drafts a revision of the ${what}.`;
    case 'Publish':
      return `Publishes the ${what}.`;
    case 'Deprecate':
      return `Deprecates revision ${order.number} of the ${what}.`;
    case 'Retire':
      return `Retires revision ${order.number} of the ${what}.`;
  }
}

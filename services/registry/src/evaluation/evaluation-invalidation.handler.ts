import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { streamName, type Handled } from '@vitae/event-store';
import { because, Ledger, type CommandContext } from '@vitae/service-kit';
import { subjectsOf } from '../model-version/model-version.handler.ts';
import { ModelVersions } from '../model-version/versions.view.ts';
import { evaluation, evaluationNotFound, type EvaluationEvent, type InvalidationCause } from './evaluation.ts';
import { Evaluations, projectEvaluation } from './evaluations.view.ts';

export class ForEvaluationInvalidation extends Command<Handled<EvaluationEvent>> {
  constructor(
    readonly order: { readonly evaluationId: string; readonly cause: InvalidationCause; readonly reason: string },
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ForEvaluationInvalidation)
export class EvaluationInvalidationHandler implements ICommandHandler<ForEvaluationInvalidation> {
  constructor(
    private readonly ledger: Ledger,
    private readonly evaluations: Evaluations,
    private readonly versions: ModelVersions,
  ) {}

  async execute({ order, context }: ForEvaluationInvalidation): Promise<Handled<EvaluationEvent>> {
    const row = await this.evaluations.byId(context.projectId, order.evaluationId);
    if (!row) throw evaluationNotFound(order.evaluationId);
    const version = await this.versions.byId(context.projectId, row.modelVersionId, 'show');
    return this.ledger.handle(
      evaluation,
      {
        stream: streamName(evaluation.category, order.evaluationId),
        command: { type: 'InvalidateEvaluation', ...order },
        context: because(context, `Takes an evaluation of version ${row.version} back: ${order.cause}.`),
        subjects: [...subjectsOf({ modelVersionId: row.modelVersionId, modelId: row.modelId, datasetVersionId: row.datasetVersionId, useCaseId: version?.useCaseId }), `evaluation:${row.id}`],
      },
      projectEvaluation,
    );
  }
}

import { Body, Controller, Get, Inject, Injectable, Param, Post, Query, Res, createParamDecorator, type ExecutionContext, type PipeTransform } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { CONFIG, Consumers, Context, contextOf, created, InProject, Needs, projectId, type CommandContext, type KnownRequest } from '@vitae/service-kit';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { mlflowProject } from '../mlflow/mlflow-project.ts';
import type { RegistryConfig } from '../config.ts';
import { OpenLineageDocument } from './document.ts';
import { keptOf } from './kept.ts';
import { ForOpenLineage } from './openlineage.handler.ts';
import { ToldByOpenLineage } from './told.view.ts';

const feedQuery = z.strictObject({
  after: z.coerce.number().int().min(-1).max(Number.MAX_SAFE_INTEGER).default(-1).describe('The `next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

/** Lineage in the words of OpenLineage 2-0-2, in and out. */
@ApiTags('lineage')
@Controller('v1/projects/:projectId/openlineage')
@Needs('registry.read')
export class OpenLineageController {
  constructor(
    private readonly commands: CommandBus,
    private readonly told: ToldByOpenLineage,
    private readonly consumers: Consumers,
  ) {}

  @Post()
  @Needs('lineage.declare')
  observe(@Context() context: CommandContext, @Body({ schema: OpenLineageDocument }) document: OpenLineageDocument, @Res({ passthrough: true }) res: Response) {
    return observed(this.commands, document, context, res);
  }

  /** What happened here, as RunEvents in the ledger's order; `next` goes on. */
  @Get()
  async feed(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: feedQuery }) { after, limit }: z.infer<typeof feedQuery>) {
    await this.consumers.catchUp();
    const items = await this.told.after(project, after, limit);
    return { items, next: items.at(-1)?.index ?? after };
  }
}

const Raw = createParamDecorator((_: unknown, execution: ExecutionContext) => execution.switchToHttp().getRequest<Request>());

/** Stock clients know a URL and an API key, and name no reason. */
@Injectable()
export class OpenLineageCallPipe implements PipeTransform<Request & KnownRequest & { rawBody?: Buffer }, CommandContext> {
  constructor(@Inject(CONFIG) private readonly config: RegistryConfig) {}

  transform(request: Request & KnownRequest & { rawBody?: Buffer }): CommandContext {
    return contextOf(request, mlflowProject(request, this.config));
  }
}

/** Where clients of OpenLineage send to by themselves: at the root for the default project, or under `/t/<project>`. */
@ApiTags('lineage')
@Controller(['', 't/:projectId'])
@Needs('lineage.declare')
@InProject(mlflowProject)
export class OpenLineageClientController {
  constructor(private readonly commands: CommandBus) {}

  @Post('api/v1/lineage')
  observe(@Raw(OpenLineageCallPipe) context: CommandContext, @Body({ schema: OpenLineageDocument }) document: OpenLineageDocument, @Res({ passthrough: true }) res: Response) {
    return observed(this.commands, document, context, res);
  }
}

async function observed(commands: CommandBus, document: OpenLineageDocument, context: CommandContext, res: Response) {
  const told = keptOf(document);
  const handled = await commands.execute(new ForOpenLineage(told, context));
  const node = told.run ? `run:${told.run.runId}` : told.job ? `job:${told.job.namespace}/${told.job.name}` : `dataset:${told.dataset?.namespace}/${told.dataset?.name}`;
  return created(res, handled, `/v1/projects/${context.projectId}/lineage?node=${encodeURIComponent(node)}`, { node, news: handled.events.length > 0, leftOut: told.leftOut });
}

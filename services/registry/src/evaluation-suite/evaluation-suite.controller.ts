import { Body, Controller, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { aggregateId, type Handled } from '@vitae/event-store';
import { changed, type CommandContext, Context, created, etag, Needs, pageOf, type PageQuery, pageQuery, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { name } from '../request.ts';
import { ForEvaluationSuite } from './evaluation-suite.handler.ts';
import type { EvaluationSuiteEvent } from './evaluation-suite.ts';
import { EvaluationSuites, type EvaluationSuiteRow } from './evaluation-suites.view.ts';
import { NewSuiteContent } from './new-suite-content.ts';

const NewSuite = NewSuiteContent.safeExtend({ name });
const uuid = z.uuid();
const revisionNumber = z.coerce.number().int().min(1).max(2 ** 31 - 1);

/** How versions are evaluated, written down once and run as often as needed. */
@ApiTags('evaluation suites')
@Controller('v1/projects/:projectId/evaluation-suites')
@Needs('registry.read')
export class EvaluationSuiteController {
  constructor(
    private readonly commands: CommandBus,
    private readonly suites: EvaluationSuites,
  ) {}

  @Post()
  @Needs('evaluation.run')
  async draft(@Context() context: CommandContext, @Body({ schema: NewSuite }) { name: called, ...content }: z.infer<typeof NewSuite>, @Res({ passthrough: true }) res: Response) {
    const suiteId = uuidv7();
    const handled = await this.commands.execute(new ForEvaluationSuite(suiteId, { type: 'DraftEvaluationSuite', suiteId, name: called, content }, context));
    const id = aggregateId(handled.stream);
    return created(res, handled, `/v1/projects/${context.projectId}/evaluation-suites/${id}`, await this.#shown(context.projectId, id));
  }

  @Get()
  async list(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: pageQuery }) query: PageQuery) {
    return pageOf<EvaluationSuiteRow>(await this.suites.page(project, query), query.limit);
  }

  @Get(':id')
  async read(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response) {
    const suite = await this.suites.byId(project, id);
    res.set('ETag', etag(suite.revision));
    return suite;
  }

  /** Says all of it anew. After a publication this begins the next revision. */
  @Put(':id')
  @Needs('evaluation.run')
  async revise(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Body({ schema: NewSuiteContent }) content: z.infer<typeof NewSuiteContent>, @Res({ passthrough: true }) res: Response) {
    return this.#changed(id, await this.commands.execute(new ForEvaluationSuite(id, { type: 'ReviseEvaluationSuite', content }, context)), context, res);
  }

  @Post(':id/publication')
  @Needs('suite.publish')
  @HttpCode(200)
  async publish(@Context() context: CommandContext, @Param('id', { schema: uuid }) id: string, @Res({ passthrough: true }) res: Response) {
    return this.#changed(id, await this.commands.execute(new ForEvaluationSuite(id, { type: 'PublishEvaluationSuite' }, context)), context, res);
  }

  @Get(':id/revisions/:number')
  revision(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: uuid }) id: string, @Param('number', { schema: revisionNumber }) number: number) {
    return this.suites.revision(project, id, number);
  }

  async #changed(id: string, handled: Handled<EvaluationSuiteEvent>, context: CommandContext, res: Response) {
    return changed(res, handled, await this.#shown(context.projectId, id));
  }

  async #shown(project: string, id: string) {
    const { name: called, stage, number, published, content } = await this.suites.byId(project, id);
    return { id, name: called, stage, number, published, content };
  }
}

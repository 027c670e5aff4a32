import { EntityManager } from '@mikro-orm/postgresql';
import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { because, changed, type CommandContext, Consumers, Context, Needs, type PageQuery, pageQuery, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { z } from 'zod';
import { ForIncident } from './incident.handler.ts';
import { incidents, retrainingRequests } from './incidents.view.ts';

const text = z.string().trim().min(1).max(10_000);
const closureBody = z.strictObject({ rootCause: text, lesson: text });
const id = z.uuid();

/** Incidents are reported by events of monitoring and deployment; people close them. */
@ApiTags('incidents')
@Controller('v1/projects/:projectId')
@Needs('governance.read')
export class IncidentController {
  constructor(
    private readonly bus: CommandBus,
    private readonly em: EntityManager,
    private readonly consumers: Consumers,
  ) {}

  @Get('incidents')
  async incidents(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: pageQuery }) page: PageQuery) {
    await this.consumers.catchUp();
    return incidents(this.em, project, page);
  }

  @Get('retraining-requests')
  async retrainingRequests(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: pageQuery }) page: PageQuery) {
    await this.consumers.catchUp();
    return retrainingRequests(this.em, project, page);
  }

  @Post('incidents/:id/closure')
  @Needs('incident.close')
  @HttpCode(200)
  async close(
    @Param('id', { schema: id }) incidentId: string,
    @Body({ schema: closureBody }) body: z.infer<typeof closureBody>,
    @Context() context: CommandContext,
    @Res({ passthrough: true }) res: Response,
  ) {
    const handled = await this.bus.execute(new ForIncident(incidentId, { type: 'CloseIncident', ...body }, because(context, `root cause found: ${body.rootCause}`)));
    return changed(res, handled, { id: incidentId, state: 'closed' });
  }
}

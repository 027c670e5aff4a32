import { EntityManager } from '@mikro-orm/postgresql';
import { Body, Controller, Get, HttpCode, Param, Post, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { because, changed, type CommandContext, Consumers, Context, created, etag, Needs, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { z } from 'zod';
import { ForRetirement } from './retirement.handler.ts';
import { noSuchRetirement } from './retirement.ts';
import { retirementById } from './retirements.view.ts';

const text = z.string().trim().min(1).max(10_000);
const proposalBody = z.strictObject({ modelVersionId: z.uuid(), criterion: text, lesson: text });
const id = z.uuid();

/** The end of a version: proposed by one, approved by another, completed once the registry has archived it. */
@ApiTags('retirements')
@Controller('v1/projects/:projectId/retirements')
@Needs('governance.read')
export class RetirementController {
  constructor(
    private readonly bus: CommandBus,
    private readonly em: EntityManager,
    private readonly consumers: Consumers,
  ) {}

  @Post()
  @Needs('retirement.propose')
  async propose(@Body({ schema: proposalBody }) body: z.infer<typeof proposalBody>, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    const handled = await this.bus.execute(new ForRetirement({ type: 'propose', ...body }, because(context, body.criterion)));
    const retirementId = aggregateId(handled.stream);
    return created(res, handled, `/v1/projects/${context.projectId}/retirements/${retirementId}`, { id: retirementId, state: 'proposed' });
  }

  @Post(':id/approval')
  @Needs('retirement.approve')
  @HttpCode(200)
  async approve(@Param('id', { schema: id }) retirementId: string, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    const handled = await this.bus.execute(new ForRetirement({ type: 'approve', retirementId }, because(context, 'approved by somebody other than its proposer')));
    const row = await retirementById(this.em, context.projectId, retirementId); // approving what is completed changes nothing
    return changed(res, handled, { id: retirementId, state: row?.state });
  }

  @Get(':id')
  async read(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: id }) retirementId: string, @Res({ passthrough: true }) res: Response) {
    await this.consumers.catchUp();
    const row = await retirementById(this.em, project, retirementId);
    if (!row) throw noSuchRetirement(retirementId);
    res.set('ETag', etag(row.revision));
    return row;
  }
}

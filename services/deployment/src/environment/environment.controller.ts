import { EntityManager } from '@mikro-orm/postgresql';
import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { because, type CommandContext, Context, created, etag, Needs, type PageQuery, pageQuery, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuid } from 'uuid';
import { z } from 'zod';
import { ForEnvironment } from './environment.handler.ts';
import { noSuchEnvironment } from './environment.ts';
import { environmentById, environments } from './environments.view.ts';

/** A name that can stand in an address. */
export const addressName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected 1 to 63 lower-case letters, digits and hyphens, the first no hyphen');

const environmentBody = z.strictObject({
  name: addressName,
  class: z.enum(['development', 'staging', 'production']),
  driver: z.enum(['local']).default('local'),
  region: z.string().trim().max(100).default(''),
});

/** Places where models serve. */
@ApiTags('environments')
@Controller('v1/projects/:projectId/environments')
@Needs('deployment.read')
export class EnvironmentController {
  constructor(
    private readonly bus: CommandBus,
    private readonly em: EntityManager,
  ) {}

  @Post()
  @Needs('environment.manage')
  async create(@Body({ schema: environmentBody }) body: z.infer<typeof environmentBody>, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    const reason = because(context, `environment ${body.name} of class ${body.class} created`);
    const handled = await this.bus.execute(new ForEnvironment({ type: 'CreateEnvironment', environmentId: uuid(), ...body }, reason));
    const id = aggregateId(handled.stream);
    return created(res, handled, `/v1/projects/${context.projectId}/environments/${id}`, { id, ...body });
  }

  @Get()
  list(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: pageQuery }) page: PageQuery) {
    return environments(this.em, project, page);
  }

  @Get(':id')
  async read(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: z.uuid() }) id: string, @Res({ passthrough: true }) res: Response) {
    const row = await environmentById(this.em, project, id);
    if (!row) throw noSuchEnvironment(id);
    res.set('ETag', etag(row.revision));
    return row;
  }
}

import { EntityManager } from '@mikro-orm/postgresql';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Needs, pageOf, pageQuery, projectId } from '@vitae/service-kit';
import { z } from 'zod';
import { alerts } from './alerts.view.ts';

const Alerts = pageQuery.extend({ endpointId: z.uuid().optional(), state: z.enum(['open', 'cleared']).optional() });

@ApiTags('alerts')
@Controller('v1/projects/:projectId/alerts')
@Needs('monitoring.read')
export class AlertsController {
  constructor(private readonly em: EntityManager) {}

  /** Alerts of the project, oldest first. */
  @Get()
  async list(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: Alerts }) { limit, after, endpointId, state }: z.infer<typeof Alerts>) {
    const found = await alerts(this.em, { projectId: project, limit: limit + 1, ...(after ? { after } : {}), ...(endpointId ? { endpointId } : {}), ...(state ? { state } : {}) });
    return pageOf(found, limit);
  }
}

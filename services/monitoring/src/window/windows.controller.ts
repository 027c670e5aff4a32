import { EntityManager } from '@mikro-orm/postgresql';
import { Controller, Get, Header, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Consumers, Ledger, Needs, pageOf, pageQuery, Problem, projectId, type PageQuery } from '@vitae/service-kit';
import { z } from 'zod';
import { activeBaselines } from '../baseline/baselines.view.ts';
import { endpointOf } from '../lifecycle/endpoints.view.ts';
import { trafficOf, waitingOf } from '../traffic/traffic.view.ts';
import { completenessOf } from './filling.ts';
import { countWindows, judgedWindows, progressOf, summaryBytes } from './windows.view.ts';

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256: and 64 hexadecimal digits');

@ApiTags('windows')
@Controller('v1/projects/:projectId')
@Needs('monitoring.read')
export class WindowsController {
  constructor(
    private readonly em: EntityManager,
    private readonly ledger: Ledger,
    private readonly consumers: Consumers,
  ) {}

  /** Judged windows, oldest first. */
  @Get('endpoints/:endpointId/windows')
  async windows(@Param('projectId', { schema: projectId }) project: string, @Param('endpointId', { schema: z.uuid() }) endpointId: string, @Query({ schema: pageQuery }) { limit, after }: PageQuery) {
    await this.#known(project, endpointId);
    return pageOf(await judgedWindows(this.em, { projectId: project, endpointId, limit: limit + 1, ...(after ? { after } : {}) }), limit);
  }

  /** How much of an endpoint's traffic has arrived, and what was made of it. */
  @Get('endpoints/:endpointId/status')
  async status(@Param('projectId', { schema: projectId }) project: string, @Param('endpointId', { schema: z.uuid() }) endpointId: string) {
    await this.#known(project, endpointId);
    const { sql } = this.ledger;
    const endpoint = { projectId: project, endpointId };
    const { rows, lost, unreadable, labelled } = await trafficOf(sql, endpoint);
    const [baseline] = await activeBaselines(sql, [endpoint]);
    const progress = baseline && (await progressOf(sql, baseline.baselineId));
    return {
      endpointId,
      baselineId: baseline?.baselineId,
      rowsReceived: rows,
      rowsLost: lost,
      rowsUnreadable: unreadable,
      requestsWaiting: await waitingOf(sql, endpoint),
      openWindowRows: progress?.open.rows ?? 0,
      windows: await countWindows(this.em, project, endpointId),
      completeness: completenessOf({ rows, lost }),
      labelled,
      openAlertId: progress?.memory.alertId,
    };
  }

  /** The counts behind a window's digest, byte for byte as they were hashed. */
  @Get('summaries/:digest')
  @Header('Content-Type', 'application/json')
  async summary(@Param('projectId', { schema: projectId }) project: string, @Param('digest', { schema: digest }) wanted: string): Promise<string> {
    const bytes = await summaryBytes(this.ledger.sql, project, wanted);
    if (bytes === undefined) throw new Problem(404, 'summary-not-found', 'Summary not found', `There is no summary ${wanted} in project ${project}. The windows of an endpoint name theirs.`);
    return bytes;
  }

  async #known(project: string, endpointId: string): Promise<void> {
    await this.consumers.catchUp();
    await endpointOf(this.em, project, endpointId);
  }
}

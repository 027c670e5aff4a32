import { Controller, Get, Header, Inject, Optional, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Public } from './access/needs.ts';
import { Consumers } from './consumers.ts';
import { DEFINITION, type ServiceDefinition } from './definition.ts';
import { Problem, problemDocument } from './problem.ts';
import { Readiness } from './readiness.ts';
import { telemetry } from './telemetry-handle.ts';

/** What machines ask: is the process alive, is it ready for traffic, what does it measure. */
@ApiExcludeController()
@Controller()
@Public('machines that look after the service; the front door lets nobody else in')
export class OperationsController {
  constructor(
    @Inject(DEFINITION) private readonly definition: ServiceDefinition,
    private readonly readiness: Readiness,
    @Optional() private readonly consumers?: Consumers,
  ) {}

  /** The process answers. Says nothing of what it depends on: a restart would not help there. */
  @Get('healthz')
  @Header('Cache-Control', 'no-store')
  healthz() {
    return { status: 'ok', service: this.definition.name };
  }

  /** 200 when traffic is welcome; 503 with a problem document that names what is missing. */
  @Get('readyz')
  @Header('Cache-Control', 'no-store')
  async readyz(@Res() response: Response): Promise<void> {
    const { ready, draining, checks } = await this.readiness.report();
    const consumers = (await this.consumers?.positions().catch(() => [])) ?? [];
    const service = this.definition.name;
    if (ready) {
      response.json({ status: 'ready', service, checks, consumers });
      return;
    }
    const failed = checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);
    const detail = draining ? `${service} is stopping: it finishes what it has and takes nothing new.` : `${service} is not ready. ${failed.join('; ')}.`;
    const problem = new Problem(503, 'not-ready', 'Not ready', detail, { members: { service, draining, checks, consumers } });
    response.status(503).set('Retry-After', '1').type('application/problem+json').send(JSON.stringify(problemDocument(problem, '/readyz')));
  }

  /** Prometheus text. Empty where the process was started without telemetry. */
  @Get('metrics')
  metrics(@Req() request: Request, @Res() response: Response): void {
    if (telemetry.running) telemetry.running.serveMetrics(request, response);
    else response.type('text/plain').send('');
  }
}

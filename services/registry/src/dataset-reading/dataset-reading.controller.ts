import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Needs, Problem, projectId, Readiness, whileAllowed } from '@vitae/service-kit';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { DatasetReadings, type DatasetReading } from './dataset-readings.store.ts';

/** How often a follower is told, in milliseconds. */
const TOLD_MS = 500;
const over = ({ state }: DatasetReading): boolean => state !== 'waiting' && state !== 'running';

@ApiTags('datasets')
@Controller('v1/projects/:projectId/dataset-readings')
@Needs('registry.read')
export class DatasetReadingController {
  constructor(
    private readonly readings: DatasetReadings,
    private readonly readiness: Readiness,
  ) {}

  /** How far a file is that is read in the background, and what came of it. While it goes on, `Retry-After` says when to look again. */
  @Get(':id')
  async read(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: z.uuid() }) id: string, @Res({ passthrough: true }) res: Response): Promise<DatasetReading> {
    const reading = await this.#mustFind(project, id);
    if (!over(reading)) res.set('Retry-After', '1');
    return reading;
  }

  /** The same as server-sent events: one whenever something changed, and the end when it is over. */
  @Get(':id/events')
  async follow(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: z.uuid() }) id: string, @Req() req: Request, @Res() res: Response): Promise<void> {
    let reading = await this.#mustFind(project, id);
    const stop = whileAllowed(req, res, this.readiness);
    res.status(200).set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    res.flushHeaders();
    let told = '';
    while (!stop.aborted) {
      const text = JSON.stringify(reading);
      if (text !== told) res.write(`event: ${over(reading) ? 'finished' : 'progress'}\ndata: ${text}\n\n`);
      told = text;
      if (over(reading)) break;
      await pause(TOLD_MS, stop);
      if (!stop.aborted) reading = await this.#mustFind(project, id);
    }
    res.end();
  }

  async #mustFind(project: string, id: string): Promise<DatasetReading> {
    const reading = await this.readings.byId(project, id);
    if (!reading) throw new Problem(404, 'dataset-reading-not-found', 'Dataset reading not found', `There is no dataset reading ${id} in project ${project}. POST …/datasets/<name>/versions with Prefer: respond-async begins one.`);
    return reading;
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });

import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Needs, projectId } from '@vitae/service-kit';
import type { Request, Response } from 'express';
import { v4 as uuidv4 } from 'uuid';
import { z } from 'zod';
import { datasetVersionNotFound } from '../dataset-version/dataset-version.ts';
import { modelVersionDeleted, modelVersionNotFound } from '../model-version/model-version-refusal.ts';
import { deletedQuery } from '../request.ts';
import { croissant } from './croissant.ts';
import { cycloneDx } from './cyclonedx.ts';
import type { Issue } from './known-version.ts';
import { KnownVersions } from './known-versions.view.ts';
import { originOf } from './origin.ts';
import { spdx } from './spdx.ts';

const bomQuery = deletedQuery.extend({
  format: z.enum(['cyclonedx', 'spdx']),
  version: z.enum(['1.6', '1.7']).optional().describe('Of CycloneDX; 1.7 unless told. SPDX is 3.0.1.'),
});

/** What the registry knows, in the words of other people's tools. Made anew for each request. */
@ApiTags('exports')
@Controller('v1/projects/:projectId')
@Needs('registry.read')
export class ExportController {
  constructor(private readonly known: KnownVersions) {}

  @Get('model-versions/:id/bom')
  async bom(
    @Param('projectId', { schema: projectId }) project: string,
    @Param('id', { schema: z.uuid() }) id: string,
    @Query({ schema: bomQuery }) { format, version = '1.7', deleted }: z.infer<typeof bomQuery>,
    @Req() request: Request,
    @Res({ passthrough: true }) res: Response,
  ) {
    const known = await this.known.of(project, id);
    if (!known) throw modelVersionNotFound(id);
    if (known.deletedAt !== null && deleted === 'hide') throw modelVersionDeleted(known.version);
    const name = fileName(known.model.name, known.version);
    if (format === 'spdx') {
      attach(res, `${name}.spdx3.json`, 'application/spdx+json');
      return spdx(known, issueOf(request));
    }
    attach(res, `${name}.cdx.json`, `application/vnd.cyclonedx+json; version=${version}`);
    return cycloneDx(known, version, issueOf(request));
  }

  @Get('dataset-versions/:id/croissant')
  async croissant(
    @Param('projectId', { schema: projectId }) project: string,
    @Param('id', { schema: z.uuid() }) id: string,
    @Req() request: Request,
    @Res({ passthrough: true }) res: Response,
  ) {
    const known = await this.known.dataset(project, id);
    if (!known) throw datasetVersionNotFound(id);
    attach(res, `${fileName(known.datasetName, known.version)}.croissant.json`, 'application/ld+json');
    return croissant(known, project, issueOf(request));
  }
}

export const issueOf = (request: Request): Issue => ({ id: uuidv4(), at: new Date().toISOString(), origin: originOf(request) });

/** For whoever saves it: a name that every file system takes. */
export const fileName = (name: string, version: number): string => `${name.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replaceAll(/^[-.]+/g, '').slice(0, 100) || 'model'}-v${version}`;

export function attach(res: Response, name: string, mediaType: string): void {
  res.set({ 'Content-Type': mediaType, 'Content-Disposition': `attachment; filename="${name}"` });
}

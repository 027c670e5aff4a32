import { Controller, Get, Header, Query, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Request } from 'express';
import { z } from 'zod';
import { credentialMissing, type KnownRequest } from './authenticate.ts';
import { Known } from './needs.ts';
import { INSTALLATION, permissionsIn } from './principal.ts';

const query = z.strictObject({ project: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected the name of a project').optional() });

/** Who one is, as the service sees it. */
@ApiTags('access')
@Controller('v1/whoami')
@Known('everybody may know who they are')
export class WhoAmIController {
  /** With `project`, what the caller may do there; without, on the whole installation. */
  @Get()
  @Header('Cache-Control', 'no-store')
  read(@Req() { principal }: Request & KnownRequest, @Query({ schema: query }) { project }: z.infer<typeof query>) {
    if (!principal) throw credentialMissing();
    const { kind, id, onBehalfOf, grants } = principal;
    return { id, kind, onBehalfOf, grants, permissions: permissionsIn(principal, project ?? INSTALLATION) };
  }
}

import { EntityManager } from '@mikro-orm/postgresql';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Needs, type PageQuery, pageQuery, projectId } from '@vitae/service-kit';
import { policySets } from './policy-sets.view.ts';

/** Policy sets that were published; the same for every project. */
@ApiTags('gates')
@Controller('v1/projects/:projectId/policy-sets')
@Needs('governance.read')
export class PolicySetController {
  constructor(private readonly em: EntityManager) {}

  @Get()
  list(@Param('projectId', { schema: projectId }) _project: string, @Query({ schema: pageQuery }) page: PageQuery) {
    return policySets(this.em, page);
  }
}

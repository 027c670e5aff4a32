import { wrap } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { changed, type CommandContext, Context, created, etag, Needs, type PageQuery, pageQuery } from '@vitae/service-kit';
import type { Response } from 'express';
import { z } from 'zod';
import { INSTALLATION } from '../policy-set/policy-set.handler.ts';
import { ForLinkedAccounts, linkIdOf } from './linked-accounts.handler.ts';
import { noSuchLink } from './linked-accounts.ts';
import { linkedAccountById, linkedAccountList, personOf } from './linked-accounts.view.ts';
import { pseudonym } from './pseudonym.ts';

const linkBody = z.strictObject({ people: z.tuple([pseudonym, pseudonym]).describe('Two accounts of one human') });
const id = z.uuid();

/** Which accounts are one human, in the whole installation. Why is said in Vitae-Reason. */
@ApiTags('people')
@Controller('v1')
@Needs('governance.read')
export class LinkedAccountsController {
  constructor(
    private readonly bus: CommandBus,
    private readonly em: EntityManager,
  ) {}

  @Post('linked-accounts')
  @Needs('person.link')
  async link(@Body({ schema: linkBody }) { people }: z.infer<typeof linkBody>, @Context({ projectId: INSTALLATION }) context: CommandContext, @Res({ passthrough: true }) res: Response) {
    const linkId = linkIdOf(people);
    const handled = await this.bus.execute(new ForLinkedAccounts({ type: 'LinkPeople', linkId, people }, context));
    return created(res, handled, `/v1/linked-accounts/${linkId}`, { id: linkId, people: [...people].sort(), state: 'linked' });
  }

  /** The link holds until a second person agrees. */
  @Post('linked-accounts/:id/unlinking')
  @Needs('person.link')
  @HttpCode(200)
  async unlink(@Param('id', { schema: id }) linkId: string, @Context({ projectId: INSTALLATION }) context: CommandContext, @Res({ passthrough: true }) res: Response) {
    return changed(res, await this.bus.execute(new ForLinkedAccounts({ type: 'RequestUnlinking', linkId }, context)), { id: linkId, state: 'unlinking' });
  }

  @Post('linked-accounts/:id/unlinking/approval')
  @Needs('person.link')
  @HttpCode(200)
  async approve(@Param('id', { schema: id }) linkId: string, @Context({ projectId: INSTALLATION }) context: CommandContext, @Res({ passthrough: true }) res: Response) {
    return changed(res, await this.bus.execute(new ForLinkedAccounts({ type: 'ApproveUnlinking', linkId }, context)), { id: linkId, state: 'unlinked' });
  }

  /** Also those that were ended. */
  @Get('linked-accounts')
  list(@Query({ schema: pageQuery }) page: PageQuery) {
    return linkedAccountList(this.em, page);
  }

  @Get('linked-accounts/:id')
  async read(@Param('id', { schema: id }) linkId: string, @Res({ passthrough: true }) res: Response) {
    const row = await linkedAccountById(this.em, linkId);
    if (!row) throw noSuchLink(linkId);
    res.set('ETag', etag(row.revision));
    return wrap(row).toObject();
  }

  /** Under what name a human counts, and all of his accounts; of one who is linked to none, this one. */
  @Get('people/:account')
  person(@Param('account', { schema: pseudonym }) account: string) {
    return personOf(this.em, account);
  }
}

import { wrap } from '@mikro-orm/core';
import { EntityManager } from '@mikro-orm/postgresql';
import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { because, changed, type CommandContext, Context, created, etag, Needs, type PageQuery, pageQuery, projectId } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuid } from 'uuid';
import { z } from 'zod';
import { administers, APPROVAL_ROLES, type Caller, heldBy } from '../approval-case/approval-roles.ts';
import { pseudonym } from '../linked-accounts/pseudonym.ts';
import { INSTALLATION } from '../policy-set/policy-set.handler.ts';
import { noSuchDelegation } from './delegation.ts';
import { ForDelegation } from './delegation.handler.ts';
import { delegationById, delegations, type Scope } from './delegations.view.ts';

const delegationBody = z.strictObject({
  delegate: pseudonym.describe('Who may speak for the caller'),
  roles: z
    .array(z.enum(APPROVAL_ROLES))
    .min(1)
    .refine((roles) => new Set(roles).size === roles.length, 'each role may be named once')
    .optional()
    .describe('Absent: every approval role that the caller holds'),
  until: z.iso.datetime({ offset: true }).describe('At most 90 days ahead'),
});
type DelegationBody = z.infer<typeof delegationBody>;
const id = z.uuid();

/** What both controllers do; they differ in where a delegation counts. */
class Delegations {
  constructor(
    private readonly bus: CommandBus,
    private readonly em: EntityManager,
  ) {}

  async give(scope: Scope, base: string, { delegate, roles, until }: DelegationBody, caller: Caller, context: CommandContext, res: Response) {
    const holds = heldBy(caller, scope === 'every project' ? undefined : scope.project);
    const order = { type: 'give' as const, delegate, roles: roles ?? (holds.length > 0 ? holds : APPROVAL_ROLES), holds, until: new Date(until).toISOString() };
    const handled = await this.bus.execute(new ForDelegation(uuid(), order, scope, context));
    const made = aggregateId(handled.stream);
    return created(res, handled, `${base}/${made}`, { id: made, delegator: context.actor.id, delegate, roles: order.roles, until: order.until });
  }

  async revoke(scope: Scope, delegationId: string, caller: Caller, context: CommandContext, res: Response) {
    const administrator = administers(caller.principal?.grants ?? [], scope === 'every project' ? undefined : scope.project);
    const handled = await this.bus.execute(new ForDelegation(delegationId, { type: 'revoke', administrator }, scope, because(context, 'revoked the delegation')));
    return changed(res, handled, { id: delegationId, state: 'revoked' });
  }

  async read(scope: Scope, delegationId: string, res: Response) {
    const row = await delegationById(this.em, scope, delegationId);
    if (!row) throw noSuchDelegation(delegationId);
    res.set('ETag', etag(row.revision));
    return wrap(row).toObject();
  }
}

/** A person lets another one approve in their name: here, or in every project as well. */
@ApiTags('delegations')
@Controller('v1/projects/:projectId/delegations')
@Needs('governance.read')
export class ProjectDelegationController {
  readonly #delegations: Delegations;
  constructor(
    bus: CommandBus,
    private readonly em: EntityManager,
  ) {
    this.#delegations = new Delegations(bus, em);
  }

  @Post()
  @Needs('delegation.give')
  give(@Body({ schema: delegationBody }) body: DelegationBody, @Context() context: CommandContext, @Req() caller: Caller, @Res({ passthrough: true }) res: Response) {
    return this.#delegations.give({ project: context.projectId }, `/v1/projects/${context.projectId}/delegations`, body, caller, context, res);
  }

  @Post(':id/revocation')
  @Needs('delegation.revoke')
  @HttpCode(200)
  revoke(@Param('id', { schema: id }) delegationId: string, @Context() context: CommandContext, @Req() caller: Caller, @Res({ passthrough: true }) res: Response) {
    return this.#delegations.revoke({ project: context.projectId }, delegationId, caller, context, res);
  }

  /** Also those that count in every project. */
  @Get()
  list(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: pageQuery }) page: PageQuery) {
    return delegations(this.em, { project }, page);
  }

  @Get(':id')
  read(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: id }) delegationId: string, @Res({ passthrough: true }) res: Response) {
    return this.#delegations.read({ project }, delegationId, res);
  }
}

/** Delegations that count in every project. */
@ApiTags('delegations')
@Controller('v1/delegations')
@Needs('governance.read')
export class DelegationController {
  readonly #delegations: Delegations;
  constructor(
    bus: CommandBus,
    private readonly em: EntityManager,
  ) {
    this.#delegations = new Delegations(bus, em);
  }

  @Post()
  @Needs('delegation.give')
  give(@Body({ schema: delegationBody }) body: DelegationBody, @Context({ projectId: INSTALLATION }) context: CommandContext, @Req() caller: Caller, @Res({ passthrough: true }) res: Response) {
    return this.#delegations.give('every project', '/v1/delegations', body, caller, context, res);
  }

  @Post(':id/revocation')
  @Needs('delegation.revoke')
  @HttpCode(200)
  revoke(@Param('id', { schema: id }) delegationId: string, @Context({ projectId: INSTALLATION }) context: CommandContext, @Req() caller: Caller, @Res({ passthrough: true }) res: Response) {
    return this.#delegations.revoke('every project', delegationId, caller, context, res);
  }

  @Get()
  list(@Query({ schema: pageQuery }) page: PageQuery) {
    return delegations(this.em, 'every project', page);
  }

  @Get(':id')
  read(@Param('id', { schema: id }) delegationId: string, @Res({ passthrough: true }) res: Response) {
    return this.#delegations.read('every project', delegationId, res);
  }
}

import { randomBytes } from 'node:crypto';
import { Body, Controller, Delete, Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import {
  API_TOKEN_BYTES, apiTokenText, because, changed, Context, created, INSTALLATION, InProject, Ledger, may, mayHandOn, Needs, PERMISSION_NAMES, readApiToken, ruleOf, type CommandContext, type KnownRequest, type Permission, type Principal,
} from '@vitae/service-kit';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { ForApiToken } from './api-token.handler.ts';
import { API_TOKEN_DAYS, DAY_MS, noSuchApiToken } from './api-token.ts';
import { findApiToken, listApiTokens } from './api-tokens.store.ts';
import type { Caller } from './caller.ts';

const project = z.string().regex(/^([a-z0-9][a-z0-9-]{0,62}|\*)$/, 'expected the name of a project, or * for all');
const permission = z.string().regex(/^[a-z][a-z0-9.-]{0,63}$/, 'expected a permission such as model.register');
const each = <Item extends z.ZodType>(item: Item, most: number) =>
  z.array(item).min(1).max(most).refine((all) => new Set(all).size === all.length, 'expected each once');
const issueBody = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected 1 to 63 lower-case letters, digits and hyphens: the machine\'s name in events'),
  projects: each(project, 100).refine((all) => !all.includes('*') || all.length === 1, 'expected * alone, or names'),
  permissions: each(permission, 100),
  expiresAt: z.iso.datetime({ offset: true }).optional(),
});
const tokenId = z.string().regex(/^[0-9A-Za-z]{12}$/, 'expected the id of an API token, 12 letters and digits');
const listQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(200).default(50), pageToken: tokenId.optional() });
/** They belong to no project. */
const installation = { projectId: 'vitae' };

/** Tokens that people give to machines. A secret is shown once, when its token is made, and cannot be had again. */
@ApiTags('api-tokens')
@Controller('v1/api-tokens')
@Needs('token.make', 'token.manage')
@InProject('any')
export class ApiTokenController {
  constructor(
    private readonly bus: CommandBus,
    private readonly ledger: Ledger,
  ) {}

  /** 201 with the token. 200 without it for a repetition under the same Idempotency-Key: who lost the first answer revokes the token and makes another. */
  @Post()
  @Needs('token.make')
  async issue(@Body({ schema: issueBody }) body: z.infer<typeof issueBody>, @Context(installation) context: CommandContext, @Req() request: Request & KnownRequest, @Res({ passthrough: true }) res: Response) {
    res.set('Cache-Control', 'no-store');
    const { name, projects, permissions } = body;
    const token = apiTokenText(randomBytes(API_TOKEN_BYTES));
    const key = readApiToken(token);
    if (!key) throw new Error('a token that was just made cannot be read');
    const expiresAt = body.expiresAt === undefined ? new Date(Date.parse(context.occurredAt) + API_TOKEN_DAYS.usual * DAY_MS).toISOString() : new Date(body.expiresAt).toISOString();
    const handled = await this.bus.execute(
      new ForApiToken({ type: 'IssueApiToken', tokenId: key.id, name, by: callerOf(request), projects, permissions, now: context.occurredAt, expiresAt }, because(context, `made a token for ${name}`), key.hash),
    );
    const [recorded] = handled.events;
    if (recorded?.event.$typeName !== 'vitae.governance.v1.ApiTokenIssued') throw new Error('an API token gave no event');
    const { tokenId: id, owner, expiresAt: until } = recorded.event;
    const item = { id, name, owner, projects, permissions, expiresAt: until };
    if (!handled.replayed) return created(res, handled, `/v1/api-tokens/${id}`, { ...item, token });
    res.status(200).location(`/v1/api-tokens/${id}`);
    return changed(res, handled, item);
  }

  /** One's own; everybody's for administrators. */
  @Get()
  list(@Query({ schema: listQuery }) query: z.infer<typeof listQuery>, @Req() request: Request & KnownRequest) {
    return listApiTokens(this.ledger.sql, this.#visibleTo(request), query);
  }

  @Get(':id')
  async read(@Param('id', { schema: tokenId }) id: string, @Req() request: Request & KnownRequest) {
    const found = await findApiToken(this.ledger.sql, id, this.#visibleTo(request));
    if (!found) throw noSuchApiToken(id);
    return found;
  }

  /** Acts within ten seconds in every service. */
  @Delete(':id')
  async revoke(@Param('id', { schema: tokenId }) id: string, @Context(installation) context: CommandContext, @Req() request: Request & KnownRequest, @Res({ passthrough: true }) res: Response) {
    const handled = await this.bus.execute(new ForApiToken({ type: 'RevokeApiToken', tokenId: id, by: callerOf(request) }, because(context, 'not needed any more')));
    return changed(res, handled, { id, state: 'revoked' });
  }

  /** Whose tokens the caller may see: undefined is everybody's. */
  #visibleTo(request: KnownRequest): string | undefined {
    const { administrator, id } = callerOf(request);
    return administrator ? undefined : id;
  }
}

/** Whoever has a token of some project may make one for it; the domain looks at each permission in each project. */
function callerOf({ principal }: KnownRequest): Caller {
  if (!principal) throw new Error('a caller who is not known has come past the guard');
  const { id, kind } = principal;
  return { id, human: kind === 'human', administrator: may(principal, 'token.manage', INSTALLATION), giving: (permission, project) => givingOf(principal, permission, project) };
}

function givingOf(principal: Principal, wanted: string, project: string): ReturnType<Caller['giving']> {
  const permission = wanted as Permission;
  if (!PERMISSION_NAMES.includes(permission)) return 'unknown';
  if (ruleOf(permission).peopleOnly) return 'people-only';
  return mayHandOn(principal, permission, project === '*' ? INSTALLATION : project) ? 'ok' : 'not-yours';
}

import { Body, Controller, Delete, Get, HttpCode, Optional, Param, Post, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { accountsOf, ActorKind, LINKED_ACCOUNTS_STREAM, linksAfter, type Link } from '@vitae/contracts';
import type { Handled } from '@vitae/event-store';
import { Keyring } from '@vitae/keyring';
import { changed, Context, created, etag, Ledger, Needs, Problem, type CommandContext } from '@vitae/service-kit';
import type { Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { erasureOf, erasureStreams, sealedUnder, type ErasureItem, type Sealed } from './erasures.view.ts';
import { ErasureWorker } from './erasure.worker.ts';
import { erasureStream, ForErasure } from './erasure.handler.ts';
import { noSuchErasure, type By, type ErasureCommand } from './erasure.ts';

const person = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/, "expected a person's actor id, for example dana");
const requestBody = z.strictObject({ person });
const listQuery = z.strictObject({ after: z.string().max(200).optional(), limit: z.coerce.number().int().min(1).max(200).default(50) });
/** It concerns all projects. */
const installation = { projectId: 'vitae' };

/** Two people make everything unreadable that a person wrote. Why is said in Vitae-Reason. */
@ApiTags('erasures')
@Controller('v1/erasures')
@Needs('erasure.read')
export class ErasureController {
  constructor(
    private readonly bus: CommandBus,
    private readonly ledger: Ledger,
    private readonly worker: ErasureWorker,
    @Optional() private readonly keyring?: Keyring,
  ) {}

  @Post()
  @Needs('erasure.request')
  async request(@Body({ schema: requestBody }) body: z.infer<typeof requestBody>, @Context(installation) context: CommandContext, @Res({ passthrough: true }) res: Response) {
    this.#keys();
    const handled = await this.#decide(body.person, context, { type: 'RequestErasure', erasureId: uuidv7(), person: body.person, by: await this.#by(context), reason: context.reason });
    return created(res, handled, `/v1/erasures/${encodeURIComponent(body.person)}`, { person: body.person, state: 'requested' });
  }

  @Post(':person/approval')
  @Needs('erasure.decide')
  @HttpCode(200)
  async approve(@Param('person', { schema: person }) of: string, @Context(installation) context: CommandContext, @Res({ passthrough: true }) res: Response) {
    this.#keys();
    const handled = await this.#decide(of, context, { type: 'ApproveErasure', by: await this.#by(context) });
    this.worker.wake();
    return changed(res, handled, { person: of, state: 'approved' });
  }

  @Post(':person/refusal')
  @Needs('erasure.decide')
  @HttpCode(200)
  async refuse(@Param('person', { schema: person }) of: string, @Context(installation) context: CommandContext, @Res({ passthrough: true }) res: Response) {
    const handled = await this.#decide(of, context, { type: 'RefuseErasure', by: await this.#by(context), reason: context.reason });
    return changed(res, handled, { person: of, state: 'refused' });
  }

  /** A legal hold: nothing can be approved until it is lifted. */
  @Post(':person/hold')
  @Needs('erasure.decide')
  @HttpCode(200)
  async hold(@Param('person', { schema: person }) of: string, @Context(installation) context: CommandContext, @Res({ passthrough: true }) res: Response) {
    const handled = await this.#decide(of, context, { type: 'HoldErasure', person: of, by: await this.#by(context), reason: context.reason });
    return changed(res, handled, { person: of, held: true });
  }

  @Delete(':person/hold')
  @Needs('erasure.decide')
  async lift(@Param('person', { schema: person }) of: string, @Context(installation) context: CommandContext, @Res({ passthrough: true }) res: Response) {
    const handled = await this.#decide(of, context, { type: 'LiftHold', person: of, by: await this.#by(context), reason: context.reason });
    return changed(res, handled, { person: of, held: false });
  }

  @Get()
  async list(@Query({ schema: listQuery }) query: z.infer<typeof listQuery>): Promise<{ items: readonly ErasureItem[]; next?: string }> {
    const streams = await erasureStreams(this.ledger.sql, query);
    const items = await Promise.all(streams.map((stream) => erasureOf(this.ledger.sql, stream)));
    const last = streams.at(-1);
    return { items: items.filter((item) => item !== undefined), ...(streams.length === query.limit && last !== undefined ? { next: last } : {}) };
  }

  @Get(':person')
  async read(@Param('person', { schema: person }) of: string, @Res({ passthrough: true }) res: Response): Promise<ErasureItem> {
    const found = await erasureOf(this.ledger.sql, erasureStream(of));
    if (!found) throw noSuchErasure();
    res.set('ETag', etag(found.revision));
    return found;
  }

  /** What an erasure of the person would make unreadable now. Changes nothing and needs no request. */
  @Get(':person/preview')
  async preview(@Param('person', { schema: person }) of: string): Promise<{ person: string; keys: number; events: number; texts: number; projects: readonly Sealed[] }> {
    const keys = await this.#keys().liveKeys(of);
    const projects = await sealedUnder(this.ledger.sql, keys);
    const sum = (what: 'events' | 'texts') => projects.reduce((all, one) => all + one[what], 0);
    return { person: of, keys: keys.length, events: sum('events'), texts: sum('texts'), projects };
  }

  /** With the accounts that are known to be the same human: two people are two humans. */
  async #by({ actor }: CommandContext): Promise<By> {
    const said = await this.ledger.readStream(LINKED_ACCOUNTS_STREAM);
    const links = said.reduce<readonly Link[]>((before, { event }) => linksAfter(before, event), []);
    return { id: actor.id, human: actor.kind === ActorKind.HUMAN, accounts: accountsOf(links, actor.id) };
  }

  #decide(of: string, context: CommandContext, command: ErasureCommand): Promise<Handled> {
    return this.bus.execute(new ForErasure(of, command, context));
  }

  #keys(): Keyring {
    if (this.keyring) return this.keyring;
    throw new Problem(409, 'keyring-missing', 'There is no keyring', 'This suite was started without a keyring, so what people write is stored in clear and cannot be erased. Set KEYRING_DATABASE_URL and VITAE_TENANT_KEY_FILE.');
  }
}


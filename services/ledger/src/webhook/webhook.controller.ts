import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { aggregateId, readHead } from '@vitae/event-store';
import { because, changed, CONFIG, Context, created, etag, InProject, INSTALLATION, Ledger, Needs, pageQuery, projectId, type CommandContext, type PageQuery } from '@vitae/service-kit';
import type { Request, Response } from 'express';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import type { LedgerConfig } from '../config.ts';
import { pingEvent } from './cloud-event.ts';
import { countWanted, deliveries } from './deliveries.view.ts';
import { DeliveryWorker } from './delivery.worker.ts';
import { ForWebhook, type WebhookOrder } from './webhook.handler.ts';
import { noSuchWebhook } from './webhook.ts';
import { findWebhook, webhooks, type WebhookItem } from './webhooks.view.ts';

const url = z.string().min(1).max(2_000);
const list = z.array(z.string().min(1).max(200)).max(64).default([]);
const subscribeBody = z.strictObject({ url, types: list, subjects: list, description: z.string().max(1_000).default('') });
const filterBody = z.strictObject({ types: list, subjects: list });
const addressBody = z.strictObject({ url });
/** How long the old secret signs as well, in hours. 0: it ends at once, as it must when it has leaked. */
const rotateBody = z.strictObject({ overlapHours: z.number().min(0).max(720).default(24) });
const index = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const logQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  before: index.optional(),
  state: z.enum(['waiting', 'delivered', 'dead', 'dropped']).optional(),
});
const replayQuery = z.strictObject({ from: index, dryRun: z.enum(['true', 'false']).default('true') });
const id = z.uuid();

/** A webhook of the project `vitae` is told of all projects, so it takes a right on all of them. */
function reach({ params }: Request): string {
  return params['projectId'] === 'vitae' ? INSTALLATION : String(params['projectId']);
}

/** Who is told of events over HTTP. In the project `vitae`: of the events of all projects. */
@ApiTags('webhooks')
@Controller('v1/projects/:projectId/webhooks')
@Needs('subscription.manage')
@InProject(reach)
export class WebhookController {
  constructor(
    private readonly bus: CommandBus,
    private readonly ledger: Ledger,
    private readonly worker: DeliveryWorker,
    @Inject(CONFIG) private readonly config: LedgerConfig,
  ) {}

  @Post()
  async subscribe(@Body({ schema: subscribeBody }) body: z.infer<typeof subscribeBody>, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    const { types, subjects, description } = body;
    const order: WebhookOrder = { type: 'SubscribeWebhook', webhookId: uuidv7(), url: body.url, filter: { types, subjects }, description, privateAllowed: this.#privateAllowed };
    const { handled, secret } = await this.bus.execute(new ForWebhook(order.webhookId, order, because(context, `${body.url} is to be told of events`)));
    const webhookId = aggregateId(handled.stream);
    return created(res, handled, `/v1/projects/${context.projectId}/webhooks/${webhookId}`, { id: webhookId, ...body, ...shown(secret) });
  }

  @Get()
  list(@Param('projectId', { schema: projectId }) project: string, @Query({ schema: pageQuery }) page: PageQuery) {
    return webhooks(this.ledger.sql, project, page);
  }

  @Get(':id')
  async read(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: id }) webhookId: string, @Res({ passthrough: true }) res: Response) {
    const found = await this.#find(project, webhookId);
    res.set('ETag', etag(found.revision));
    return found;
  }

  @Put(':id/filter')
  filter(@Param('id', { schema: id }) webhookId: string, @Body({ schema: filterBody }) filter: z.infer<typeof filterBody>, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    return this.#order(webhookId, { type: 'ReplaceWebhookFilter', filter }, because(context, 'other events are wanted'), res);
  }

  @Put(':id/url')
  move(@Param('id', { schema: id }) webhookId: string, @Body({ schema: addressBody }) body: z.infer<typeof addressBody>, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    return this.#order(webhookId, { type: 'MoveWebhook', ...body, privateAllowed: this.#privateAllowed }, because(context, `the receiver is now at ${body.url}`), res);
  }

  @Post(':id/pause')
  @HttpCode(200)
  pause(@Param('id', { schema: id }) webhookId: string, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    return this.#order(webhookId, { type: 'PauseWebhook' }, because(context, 'paused'), res);
  }

  @Post(':id/resume')
  @HttpCode(200)
  resume(@Param('id', { schema: id }) webhookId: string, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    return this.#order(webhookId, { type: 'ResumeWebhook' }, because(context, 'resumed'), res);
  }

  /** Answers with the new secret, once. */
  @Post(':id/secret')
  @HttpCode(200)
  rotate(@Param('id', { schema: id }) webhookId: string, @Body({ schema: rotateBody }) { overlapHours }: z.infer<typeof rotateBody>, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    const oldValidUntil = new Date(Date.parse(context.occurredAt) + overlapHours * 3_600_000).toISOString();
    return this.#order(webhookId, { type: 'RotateWebhookSecret', oldValidUntil }, because(context, 'the secret is rotated'), res, { oldSecretValidUntil: oldValidUntil });
  }

  @Delete(':id')
  unsubscribe(@Param('id', { schema: id }) webhookId: string, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    return this.#order(webhookId, { type: 'UnsubscribeWebhook' }, because(context, 'unsubscribed'), res);
  }

  /** Sends a signed message that says nothing, and tells what the receiver answered. */
  @Post(':id/ping')
  @HttpCode(200)
  async ping(@Param('id', { schema: id }) webhookId: string, @Context() { projectId: project, occurredAt }: CommandContext) {
    const { url: to } = await this.#find(project, webhookId);
    const messageId = uuidv7();
    const { attempt, response, durationMs } = await this.worker.send(webhookId, to, messageId, pingEvent(messageId, webhookId, project, occurredAt));
    const met = attempt.type === 'answered' ? { responseStatus: attempt.status, response } : { error: attempt.error };
    return { messageId, ok: attempt.type === 'answered' && attempt.status >= 200 && attempt.status < 300, ...met, durationMs };
  }

  @Get(':id/deliveries')
  async log(@Param('projectId', { schema: projectId }) project: string, @Param('id', { schema: id }) webhookId: string, @Query({ schema: logQuery }) query: z.infer<typeof logQuery>) {
    await this.#find(project, webhookId);
    return deliveries(this.ledger.sql, webhookId, query);
  }

  @Post(':id/deliveries/:index/replay')
  @HttpCode(200)
  replayOne(@Param('id', { schema: id }) webhookId: string, @Param('index', { schema: index }) at: number, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    return this.#order(webhookId, { type: 'ReplayOne', index: at }, because(context, `event ${at} is sent again`), res);
  }

  /** How many events from an index on the filter wants; with `dryRun=false` they are sent, whether they were before or not. */
  @Post(':id/replay')
  @HttpCode(200)
  async replay(@Param('id', { schema: id }) webhookId: string, @Query({ schema: replayQuery }) { from, dryRun }: z.infer<typeof replayQuery>, @Context() context: CommandContext, @Res({ passthrough: true }) res: Response) {
    await this.#find(context.projectId, webhookId);
    const { nextIndex } = await readHead(this.ledger.sql);
    const wanted = await countWanted(this.ledger.sql, webhookId, from, nextIndex - 1);
    if (dryRun === 'true') return { dryRun: true, from, to: nextIndex - 1, wanted };
    return this.#order(webhookId, { type: 'ReplayFrom', fromIndex: from }, because(context, `events from index ${from} on are sent again`), res, { dryRun: false, from, wanted });
  }

  get #privateAllowed(): boolean {
    return this.config.VITAE_WEBHOOK_ALLOW_PRIVATE;
  }

  async #find(project: string, webhookId: string): Promise<WebhookItem> {
    const found = await findWebhook(this.ledger.sql, project, webhookId);
    if (!found) throw noSuchWebhook(webhookId);
    return found;
  }

  async #order(webhookId: string, order: WebhookOrder, context: CommandContext, res: Response, more: object = {}) {
    const { handled, secret } = await this.bus.execute(new ForWebhook(webhookId, order, context));
    this.worker.wake();
    return changed(res, handled, { id: webhookId, ...more, ...shown(secret) });
  }
}

const shown = (secret: string | undefined): { secret?: string } => (secret === undefined ? {} : { secret });

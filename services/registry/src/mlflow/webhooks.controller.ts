import { Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post, UseFilters } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiExcludeController } from '@nestjs/swagger';
import { aggregateId } from '@vitae/event-store';
import { CONFIG, InProject, Needs, type CommandContext } from '@vitae/service-kit';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import type { RegistryConfig } from '../config.ts';
import { ForMlflowWebhook } from '../mlflow-webhook/mlflow-webhook.handler.ts';
import { webhookNotFound } from '../mlflow-webhook/mlflow-webhook.ts';
import { MlflowWebhookWorker } from '../mlflow-webhook/mlflow-webhook.worker.ts';
import { MlflowWebhooks, type MlflowWebhookShown } from '../mlflow-webhook/mlflow-webhooks.view.ts';
import { bodyOf, EXAMPLES } from '../mlflow-webhook/notice.ts';
import { plainText } from '../request.ts';
import { at } from './addresses.ts';
import { Call, type MlflowCall } from './mlflow-call.handler.ts';
import { invalid, parameterMissing } from './mlflow-error.ts';
import { MlflowErrorFilter } from './mlflow-error.filter.ts';
import { mlflowProject } from './mlflow-project.ts';
import { boundedText, fitting, limitOf, parametersOf, requiredText, textOf, type Parameters } from './parameters.ts';
import { objectsOf } from './tracking-parameters.ts';

/** MLflow's webhooks: who is told in its form of what happens to models and prompts. Reading them is no less: an address may hold a secret. */
@ApiExcludeController()
@UseFilters(MlflowErrorFilter)
@Controller(at('mlflow/webhooks'))
@Needs('subscription.manage')
@InProject(mlflowProject)
export class MlflowWebhooksController {
  constructor(
    private readonly commands: CommandBus,
    private readonly webhooks: MlflowWebhooks,
    private readonly worker: MlflowWebhookWorker,
    @Inject(CONFIG) private readonly config: RegistryConfig,
  ) {}

  @Post()
  @HttpCode(200)
  async create(@Call() { context, parameters }: MlflowCall) {
    const [webhookId, secret] = [uuidv7(), secretIn(parameters)];
    const events = eventsIn(parameters);
    if (!events) throw invalid('Webhook events must be a non-empty list of WebhookEvent objects.');
    const order = {
      type: 'CreateMlflowWebhook' as const,
      webhookId,
      name: nameIn(requiredText(parameters, 'name')),
      url: urlIn(requiredText(parameters, 'url')),
      events,
      description: boundedText(parameters, 'description', 1_000),
      active: activeIn(parameters) ?? true,
      isSigned: secret !== undefined,
      privateAllowed: this.#privateAllowed,
    };
    const handled = await this.commands.execute(new ForMlflowWebhook(webhookId, order, context, secret));
    return this.#shown(context, aggregateId(handled.stream));
  }

  @Get()
  async list(@Call() { context, parameters }: MlflowCall) {
    const page = await this.webhooks.all(context.projectId, limitOf(parameters, 100, 1_000), textOf(parameters, 'page_token'));
    return { webhooks: page.items.map(onWire), ...(page.next === undefined ? {} : { next_page_token: page.next }) };
  }

  @Get(':webhookId')
  get(@Call() { context }: MlflowCall, @Param('webhookId') id: string) {
    return this.#shown(context, id);
  }

  @Patch(':webhookId')
  async update(@Call() { context, parameters }: MlflowCall, @Param('webhookId') id: string) {
    const said = (name: string): boolean => parameters[name] !== undefined && parameters[name] !== null;
    const secret = secretIn(parameters);
    await this.#mustFind(context, id);
    const order = {
      type: 'ChangeMlflowWebhook' as const,
      name: said('name') ? nameIn(requiredText(parameters, 'name')) : undefined,
      url: said('url') ? urlIn(requiredText(parameters, 'url')) : undefined,
      events: eventsIn(parameters),
      description: said('description') ? boundedText(parameters, 'description', 1_000) : undefined,
      active: activeIn(parameters),
      newSecret: secret !== undefined,
      privateAllowed: this.#privateAllowed,
    };
    await this.commands.execute(new ForMlflowWebhook(id, order, context, secret));
    return this.#shown(context, id);
  }

  @Delete(':webhookId')
  async delete(@Call() { context }: MlflowCall, @Param('webhookId') id: string) {
    await this.#mustFind(context, id);
    await this.commands.execute(new ForMlflowWebhook(id, { type: 'DeleteMlflowWebhook' }, context));
    return {};
  }

  /** Sends an example now, whatever waits. */
  @Post(':webhookId/test')
  @HttpCode(200)
  async test(@Call() { context, parameters }: MlflowCall, @Param('webhookId') id: string) {
    const webhook = await this.#mustFind(context, id);
    const said = parameters['event'];
    const type = said === undefined || said === null ? (webhook.events[0] ?? '') : eventIn(parametersOf(said));
    const { attempt, response } = await this.worker.send(id, webhook.url, uuidv7(), bodyOf({ type, data: EXAMPLES[type] ?? {} }, new Date().toISOString()));
    return {
      result:
        attempt.type === 'answered'
          ? { success: attempt.status < 400, response_status: attempt.status, ...(response === undefined ? {} : { response_body: response }) }
          : { success: false, error_message: `Failed to test webhook: ${attempt.error}` },
    };
  }

  get #privateAllowed(): boolean {
    return this.config.VITAE_WEBHOOK_ALLOW_PRIVATE;
  }

  async #mustFind({ projectId }: Pick<CommandContext, 'projectId'>, id: string): Promise<MlflowWebhookShown> {
    const found = z.uuid().safeParse(id).success ? await this.webhooks.byId(projectId, id) : undefined;
    if (!found) throw webhookNotFound(id.slice(0, 100));
    return found;
  }

  async #shown(context: Pick<CommandContext, 'projectId'>, id: string) {
    return { webhook: onWire(await this.#mustFind(context, id)) };
  }
}

const nameIn = (said: string): string => fitting(plainText.trim().min(1, 'Webhook name must be a non-empty string').max(256), said, 'name');
const urlIn = (said: string): string => fitting(plainText.max(2_000), said.trim(), 'url');

/** Undefined: none was said. */
function secretIn(parameters: Parameters): string | undefined {
  const secret = textOf(parameters, 'secret');
  if (secret === '') return undefined;
  if (secret.length > 1_000 || !secret.isWellFormed()) throw invalid('The secret has at most 1000 characters.'); // and is not told
  return secret;
}

function activeIn(parameters: Parameters): boolean | undefined {
  const said = textOf(parameters, 'status');
  switch (said.toUpperCase()) {
    case '':
      return undefined;
    case 'ACTIVE':
    case '1':
      return true;
    case 'DISABLED':
    case '2':
      return false;
    default:
      throw invalid(`Invalid value '${said.slice(0, 100)}' for parameter 'status' supplied: it is ACTIVE or DISABLED.`);
  }
}

/** Undefined: none are said; then they stay as they are. */
function eventsIn(parameters: Parameters): readonly string[] | undefined {
  const events = [...new Set(objectsOf(parameters, 'events').map(eventIn))];
  if (events.length > 32) throw invalid('There are at most 32 events.');
  return events.length === 0 ? undefined : events;
}

function eventIn(said: Parameters): string {
  const [entity, action] = [textOf(said, 'entity'), textOf(said, 'action')];
  if (entity === '' || action === '') throw parameterMissing('events');
  const type = `${entity}.${action}`.toLowerCase();
  if (!Object.hasOwn(EXAMPLES, type)) throw invalid(`Invalid event '${type.slice(0, 100)}'. There are ${Object.keys(EXAMPLES).join(', ')}.`);
  return type;
}

const onWire = ({ id, name, description, url, events, state, createdAt, updatedAt }: MlflowWebhookShown) => ({
  webhook_id: id,
  name,
  ...(description === '' ? {} : { description }),
  url,
  events: events.map((type) => {
    const [entity = '', action = ''] = type.split('.');
    return { entity: entity.toUpperCase(), action: action.toUpperCase() };
  }),
  status: state === 'active' ? 'ACTIVE' : 'DISABLED',
  creation_timestamp: createdAt,
  last_updated_timestamp: updatedAt,
});

import { EntityManager } from '@mikro-orm/postgresql';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Refused, streamName, type Handled } from '@vitae/event-store';
import { because, caughtUp, type CommandContext, Consumers, Ledger, mustHave } from '@vitae/service-kit';
import { noSuchEnvironment } from '../environment/environment.ts';
import { environmentById, environmentNamed } from '../environment/environments.view.ts';
import { modelDeleted } from '../lifecycle/gone.ts';
import { goneVersion, modelById, modelVersionById, permitById } from '../lifecycle/lifecycle.view.ts';
import { permit } from '../permit/permit.ts';
import { endpoint, endpointRefused, endpointSubjects, noSuchEndpoint, type EndpointCommand, type EndpointEvent } from './endpoint.ts';
import { endpointById, projectEndpoints, type EndpointRow } from './endpoints.view.ts';
import { Reconciler } from './reconcile.worker.ts';

/** What a caller orders; what it rests on (environment, version, permit) is looked up here. */
export type EndpointOrder =
  | { readonly type: 'create'; readonly name: string; readonly environment: string; readonly modelId: string }
  | { readonly type: 'deploy'; readonly variantId: string; readonly modelVersionId: string; readonly permitId: string | undefined };

export class ForEndpoint extends Command<Handled<EndpointEvent>> {
  constructor(
    readonly endpointId: string,
    readonly order: EndpointOrder,
    readonly context: CommandContext,
  ) {
    super();
  }
}

type Deploy = Extract<EndpointCommand, { type: 'DeployVariant' }>;

@CommandHandler(ForEndpoint)
export class EndpointHandler implements ICommandHandler<ForEndpoint> {
  constructor(
    private readonly ledger: Ledger,
    private readonly em: EntityManager,
    private readonly consumers: Consumers,
    private readonly reconciler: Reconciler,
  ) {}

  async execute({ endpointId, order, context }: ForEndpoint): Promise<Handled<EndpointEvent>> {
    await caughtUp(this.consumers);
    const handled = order.type === 'create' ? await this.#create(endpointId, order, context) : await this.#deploy(endpointId, order, context);
    this.reconciler.wake();
    return handled;
  }

  async #create(endpointId: string, { name, environment, modelId }: Extract<EndpointOrder, { type: 'create' }>, context: CommandContext): Promise<Handled<EndpointEvent>> {
    const place = await environmentNamed(this.em, context.projectId, environment);
    if (!place) throw noSuchEnvironment(environment);
    mustHave(context.principal, 'endpoint.create', context.projectId, place.class);
    const model = await modelById(this.em, context.projectId, modelId);
    if (!model) {
      throw endpointRefused('MODEL_NOT_FOUND', `There is no model ${modelId} in this project. Register it first: POST …/models at the registry.`, 404);
    }
    if (model.deleted) throw modelDeleted(model.name);
    const command: EndpointCommand = { type: 'CreateEndpoint', endpointId, name, environmentId: place.id, environment, modelId };
    const request = { stream: streamName(endpoint.category, endpointId), command, context, subjects: endpointSubjects(endpointId, modelId, []) };
    return this.ledger.handle(endpoint, request, projectEndpoints);
  }

  async #deploy(endpointId: string, order: Extract<EndpointOrder, { type: 'deploy' }>, context: CommandContext): Promise<Handled<EndpointEvent>> {
    const { projectId } = context;
    const { variantId, modelVersionId, permitId } = order;
    const row = await endpointById(this.em, projectId, endpointId);
    if (!row) throw noSuchEndpoint(endpointId);
    const place = await environmentById(this.em, projectId, row.environmentId);
    if (!place) throw noSuchEnvironment(row.environment);
    mustHave(context.principal, 'rollout.start', projectId, place.class);
    const version = await modelVersionById(this.em, projectId, modelVersionId);
    if (!version) throw endpointRefused('MODEL_VERSION_NOT_FOUND', `There is no model version ${modelVersionId} in this project. Register it first: POST …/models/:modelId/versions at the registry.`, 404);
    if (version.files.length === 0) {
      throw endpointRefused('ARTEFACT_MISSING', `Version ${version.version} was registered by reference, and nothing can serve an artefact that was never uploaded. Upload it, and register it as a version with its data and code.`, 409);
    }
    const given = permitId === undefined ? undefined : await permitById(this.em, projectId, permitId);

    const { modelId, artefactDigest, files, retired } = version;
    const command: Deploy = {
      type: 'DeployVariant',
      variant: { variantId, modelVersionId, modelId, version: version.version, artefactDigest, files },
      retired,
      gone: await goneVersion(this.em, projectId, modelVersionId),
      environmentClass: place.class,
      // That it was given, for this, and is unused is the permit's own rule; it is asked first, below.
      permit: permitId === undefined ? undefined : { permitId, decisionId: given?.decisionId ?? '' },
    };
    const use = { endpointId, variantId, modelVersionId, artefactDigest, environment: row.environment, environmentClass: place.class };
    const attributed = because(context, `version ${version.version} deployed at ${row.name} in ${row.environment}${given ? ` on permit ${given.permitId}` : ''}`);
    const subjects = endpointSubjects(endpointId, row.modelId, [{ variantId, modelVersionId }], given ? [`decision:${given.decisionId}`] : []);
    try {
      // Permit and deployment, or neither.
      return await this.ledger.together(attributed, async (tx) => {
        if (permitId !== undefined) {
          const consume = { type: 'ConsumePermit' as const, permitId, given, use, at: context.occurredAt };
          // If-Match speaks of the endpoint, not of the permit.
          await this.ledger.handleWithin(tx, permit, { stream: streamName(permit.category, permitId), command: consume, context: withoutExpectation(attributed), subjects });
        }
        return this.ledger.handleWithin(tx, endpoint, { stream: streamName(endpoint.category, endpointId), command, context: attributed, subjects }, projectEndpoints);
      });
    } catch (error) {
      if (error instanceof Refused) await this.#recordRefusal(row, order, error, context);
      throw error;
    }
  }

  /** In a transaction of its own: the one that was refused is gone. Not under the caller's key, which the next try may use. */
  async #recordRefusal({ id, modelId }: EndpointRow, { modelVersionId, permitId }: Extract<EndpointOrder, { type: 'deploy' }>, { reason, message }: Refused, context: CommandContext): Promise<void> {
    const { idempotency: _key, ...own } = withoutExpectation(context);
    const command: EndpointCommand = { type: 'RecordRefusal', modelVersionId, permitId: permitId ?? '', refusal: reason.toLowerCase().replaceAll('_', '-') };
    const subjects = [`endpoint:${id}`, `model:${modelId}`, `model-version:${modelVersionId}`];
    await this.ledger.handle(endpoint, { stream: streamName(endpoint.category, id), command, context: { ...own, reason: message.slice(0, 2_000) }, subjects }, projectEndpoints);
  }
}

function withoutExpectation(context: CommandContext): CommandContext {
  const { expected: _expected, ...rest } = context;
  return rest;
}

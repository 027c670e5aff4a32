import { create } from '@bufbuild/protobuf';
import {
  DeploymentRefusedSchema,
  EndpointCreatedSchema,
  TrafficShiftedSchema,
  VariantDeployedSchema,
  VariantFailedSchema,
  VariantReadySchema,
  VariantRemovedSchema,
  type DeploymentRefused,
  type EndpointCreated,
  type TrafficShifted,
  type VariantDeployed,
  type VariantFailed,
  type VariantReady,
  type VariantRemoved,
} from '@vitae/contracts';
import { Refused, type Decider } from '@vitae/event-store';
import type { EnvironmentClassName } from '../environment/environment.ts';
import { mustNotBeGone, type Gone } from '../lifecycle/gone.ts';
import { permitRefused, PRODUCTION_GATE } from '../permit/permit.ts';

/** One immutable thing that can serve: a version with its bytes. */
export interface Variant {
  readonly variantId: string;
  readonly modelVersionId: string;
  readonly modelId: string;
  readonly version: number;
  readonly artefactDigest: string;
  readonly files: readonly { readonly path: string; readonly digest: string }[];
}

/** A share of the endpoint's requests, in per cent. */
export interface Share {
  readonly variantId: string;
  readonly weight: number;
}

export type EndpointCommand =
  | { readonly type: 'CreateEndpoint'; readonly endpointId: string; readonly name: string; readonly environmentId: string; readonly environment: string; readonly modelId: string }
  | {
      readonly type: 'DeployVariant';
      readonly variant: Variant;
      /** Whether the registry has retired the version. */
      readonly retired: boolean;
      /** Whether it has deleted or purged it. */
      readonly gone: Gone | undefined;
      readonly environmentClass: EnvironmentClassName;
      /** Consumed in the same transaction; undefined: the caller named none. */
      readonly permit: { readonly permitId: string; readonly decisionId: string } | undefined;
    }
  // What the driver saw. Old news is no fault: it gives no event.
  | { readonly type: 'RecordReady'; readonly variantId: string }
  | { readonly type: 'RecordFailure'; readonly variantId: string; readonly reason: string }
  | { readonly type: 'RecordTraffic'; readonly shares: readonly Share[]; readonly rolloutId: string }
  | { readonly type: 'RecordRemoval'; readonly variantId: string }
  /** A deployment that was refused: auditors want to know of it. */
  | { readonly type: 'RecordRefusal'; readonly modelVersionId: string; readonly permitId: string; readonly refusal: string };

export type EndpointEvent = EndpointCreated | VariantDeployed | VariantReady | VariantFailed | TrafficShifted | VariantRemoved | DeploymentRefused;

/**
 * The life of a variant:
 *
 *   deploying ──► ready ──► removed          traffic only while ready; removed only without traffic
 *       └───────► failed ──► ready           when the driver gets it up after all
 *                    └─────► removed
 */
export interface DeployedVariant {
  readonly variantId: string;
  readonly modelVersionId: string;
  readonly version: number;
  readonly state: 'deploying' | 'ready' | 'failed';
  /** Per cent, as last observed in force. */
  readonly weight: number;
}

export type EndpointState =
  | { readonly type: 'absent' }
  | { readonly type: 'open'; readonly endpointId: string; readonly name: string; readonly environment: string; readonly modelId: string; readonly variants: readonly DeployedVariant[] };

export type EndpointRefusal = 'ENDPOINT_NOT_FOUND' | 'ENDPOINT_NAME_TAKEN' | 'MODEL_NOT_FOUND' | 'MODEL_VERSION_NOT_FOUND' | 'MODEL_MISMATCH' | 'MODEL_VERSION_RETIRED' | 'ARTEFACT_MISSING' | 'VARIANT_DEPLOYED' | 'VARIANT_SERVES' | 'WEIGHTS_INVALID';

/** A stable address in an environment, the variants behind it, and who gets how much of its traffic. */
export const endpoint: Decider<EndpointState, EndpointCommand, EndpointEvent> = {
  category: 'deployment.Endpoint',
  initial: { type: 'absent' },

  decide(command, state): readonly EndpointEvent[] {
    if (command.type === 'CreateEndpoint') {
      const { type: _type, ...created } = command;
      return state.type === 'open' ? [] : [create(EndpointCreatedSchema, created)];
    }
    if (state.type === 'absent') throw noSuchEndpoint();
    const { endpointId } = state;
    const known = 'variantId' in command ? state.variants.find(({ variantId }) => variantId === command.variantId) : undefined;
    switch (command.type) {
      case 'DeployVariant':
        return [deploy(command, state)];
      case 'RecordReady':
        return known && known.state !== 'ready' ? [create(VariantReadySchema, { endpointId, variantId: command.variantId })] : [];
      case 'RecordFailure':
        return known && known.state !== 'failed' ? [create(VariantFailedSchema, { endpointId, variantId: command.variantId, reason: command.reason })] : [];
      case 'RecordTraffic':
        return shift(command.shares, command.rolloutId, state);
      case 'RecordRemoval':
        if (!known) return [];
        if (known.weight > 0) throw endpointRefused('VARIANT_SERVES', `Variant ${known.variantId} has ${known.weight} % of the traffic and cannot be removed. Move the traffic first.`);
        return [create(VariantRemovedSchema, { endpointId, variantId: known.variantId, modelVersionId: known.modelVersionId })];
      case 'RecordRefusal': {
        const { modelVersionId, permitId, refusal } = command;
        return [create(DeploymentRefusedSchema, { endpointId, modelVersionId, permitId, refusal })];
      }
    }
  },

  evolve(state, event): EndpointState {
    if (event.$typeName === 'vitae.deployment.v1.EndpointCreated') {
      const { endpointId, name, environment, modelId } = event;
      return { type: 'open', endpointId, name, environment, modelId, variants: [] };
    }
    if (state.type === 'absent') return state;
    const change = (id: string, part: Partial<DeployedVariant>): EndpointState => ({
      ...state,
      variants: state.variants.map((variant) => (variant.variantId === id ? { ...variant, ...part } : variant)),
    });
    switch (event.$typeName) {
      case 'vitae.deployment.v1.VariantDeployed': {
        if (!event.variant) return state;
        const { variantId, modelVersionId, version } = event.variant;
        return { ...state, variants: [...state.variants, { variantId, modelVersionId, version, state: 'deploying', weight: 0 }] };
      }
      case 'vitae.deployment.v1.VariantReady':
        return change(event.variantId, { state: 'ready' });
      case 'vitae.deployment.v1.VariantFailed':
        return change(event.variantId, { state: 'failed' });
      case 'vitae.deployment.v1.TrafficShifted':
        return { ...state, variants: state.variants.map((variant) => ({ ...variant, weight: shareOf(event.weights, variant.variantId) })) };
      case 'vitae.deployment.v1.VariantRemoved':
        return { ...state, variants: state.variants.filter(({ variantId }) => variantId !== event.variantId) };
      case 'vitae.deployment.v1.DeploymentRefused':
        return state;
    }
  },
};

type Open = Extract<EndpointState, { type: 'open' }>;

function deploy({ variant, retired, gone, environmentClass, permit }: Extract<EndpointCommand, { type: 'DeployVariant' }>, state: Open): VariantDeployed {
  const { name, endpointId } = state;
  if (variant.modelId !== state.modelId) {
    throw endpointRefused('MODEL_MISMATCH', `Version ${variant.modelVersionId} is of model ${variant.modelId}; endpoint ${name} serves model ${state.modelId}. Deploy a version of that model, or create an endpoint for the other.`);
  }
  mustNotBeGone(gone);
  if (retired) throw endpointRefused('MODEL_VERSION_RETIRED', `Version ${variant.version} of the model is retired and will not serve again. Deploy another version.`);
  const same = state.variants.find((other) => other.modelVersionId === variant.modelVersionId && other.state !== 'failed');
  if (same) throw endpointRefused('VARIANT_DEPLOYED', `Version ${variant.version} is deployed at endpoint ${name} already, as variant ${same.variantId}. Use that one.`);
  if (environmentClass === 'production' && !permit) {
    throw permitRefused('PERMIT_MISSING', `Environment ${state.environment} is of class production, where a deployment needs a permit. Ask governance for one (POST …/gates/${PRODUCTION_GATE}/decisions) and send its id as permitId.`, 403);
  }
  const { files, ...rest } = variant;
  return create(VariantDeployedSchema, {
    endpointId,
    variant: { ...rest, files: files.map(({ path, digest }) => ({ path, digest })) },
    permitId: permit?.permitId ?? '',
    decisionId: permit?.decisionId ?? '',
  });
}

/** The shares that the driver was seen to serve by, unless they are known. Those who lost all of theirs stand there with 0. */
function shift(shares: readonly Share[], rolloutId: string, { endpointId, name, environment, variants }: Open): TrafficShifted[] {
  const serving = shares.filter(({ weight }) => weight > 0);
  if (serving.some(({ variantId }) => !variants.some((variant) => variant.variantId === variantId))) return []; // seen before a removal
  if (variants.every(({ variantId, weight }) => shareOf(shares, variantId) === weight)) return [];
  const total = serving.reduce((sum, { weight }) => sum + weight, 0);
  if (total !== 100) throw endpointRefused('WEIGHTS_INVALID', `The shares of endpoint ${name} add up to ${total} %, not to 100.`, 422);
  const weights = variants
    .map(({ variantId, modelVersionId, version, weight }) => ({ variantId, modelVersionId, version, weight: shareOf(shares, variantId), before: weight }))
    .filter(({ weight, before }) => weight > 0 || before > 0)
    .map(({ before: _before, ...weight }) => weight);
  return [create(TrafficShiftedSchema, { endpointId, endpointName: name, environment, weights, rolloutId })];
}

const shareOf = (shares: readonly Share[], id: string): number => shares.find(({ variantId }) => variantId === id)?.weight ?? 0;

export const endpointRefused = (reason: EndpointRefusal, message: string, status: 404 | 409 | 422 = 409): Refused => new Refused(reason, message, status);

export const noSuchEndpoint = (id = ''): Refused =>
  endpointRefused('ENDPOINT_NOT_FOUND', `There is no ${id ? `endpoint ${id} in this project` : 'such endpoint'}. GET …/endpoints lists them.`, 404);

/** Under which subjects the ledger finds the events of a command. */
export function endpointSubjects(endpointId: string, modelId: string, variants: readonly { readonly variantId: string; readonly modelVersionId: string }[], more: readonly string[] = []): string[] {
  return [`endpoint:${endpointId}`, `model:${modelId}`, ...variants.flatMap(({ variantId, modelVersionId }) => [`variant:${variantId}`, `model-version:${modelVersionId}`]), ...more];
}

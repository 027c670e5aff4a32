import type { Message } from '@bufbuild/protobuf';
import type {
  DriftAlertCleared,
  DriftAlertRaised,
  EndpointCreated,
  RolloutCompleted,
  RolloutRolledBack,
  RolloutStarted,
  TrafficShifted,
  VariantDeployed,
  VariantFailed,
  VariantReady,
  VariantRemoved,
} from '@vitae/contracts';
import { edge, fromKnown, is, node, type LineageFact } from './lineage-fact.ts';

type Told = DriftAlertCleared | DriftAlertRaised | EndpointCreated | RolloutCompleted | RolloutRolledBack | RolloutStarted | TrafficShifted | VariantDeployed | VariantFailed | VariantReady | VariantRemoved;

/** Where versions serve, and what monitoring saw there. */
export function deploymentLineage(message: Message): readonly LineageFact[] | undefined {
  const event = message as Told;
  switch (event.$typeName) {
    case 'vitae.deployment.v1.EndpointCreated':
      return [is(node('endpoint', event.endpointId), 'open', `${event.name} in ${event.environment}`)];
    case 'vitae.deployment.v1.VariantDeployed': {
      if (!event.variant) return [];
      const variant = node('variant', event.variant.variantId);
      return [
        is(variant, 'deploying', `variant of version ${event.variant.version}`),
        edge(node('model-version', event.variant.modelVersionId), variant, 'deploys'),
        ...(event.decisionId === NO_DECISION ? [] : fromKnown('decision', event.decisionId, variant, 'allowed-by')),
      ];
    }
    case 'vitae.deployment.v1.VariantReady':
      return [is(node('variant', event.variantId), 'ready')];
    case 'vitae.deployment.v1.VariantFailed':
      return [is(node('variant', event.variantId), 'failed')];
    case 'vitae.deployment.v1.VariantRemoved':
      return [is(node('variant', event.variantId), 'removed'), { fact: 'edge-ends', from: node('variant', event.variantId), to: node('endpoint', event.endpointId), relation: 'serves-at' }];
    case 'vitae.deployment.v1.TrafficShifted': {
      const serving = event.weights.filter(({ weight }) => weight > 0).map(({ variantId }) => node('variant', variantId));
      return [{ fact: 'only-edges', from: serving, to: node('endpoint', event.endpointId), relation: 'serves-at' }];
    }
    case 'vitae.deployment.v1.RolloutStarted': {
      const rollout = node('rollout', event.rolloutId);
      return [
        is(rollout, 'running', 'rollout'),
        edge(node('endpoint', event.endpointId), rollout, 'changes'),
        edge(node('variant', event.candidateVariantId), rollout, 'brings'),
        edge(node('variant', event.stableVariantId), rollout, 'replaces'),
      ];
    }
    case 'vitae.deployment.v1.RolloutCompleted':
      return [is(node('rollout', event.rolloutId), 'completed')];
    case 'vitae.deployment.v1.RolloutRolledBack':
      return [is(node('rollout', event.rolloutId), 'rolled-back')];
    case 'vitae.monitoring.v1.DriftAlertRaised': {
      const alert = node('alert', event.alertId);
      return [is(alert, 'open', 'drift alert'), edge(node('endpoint', event.endpointId), alert, 'concerns'), edge(node('model-version', event.modelVersionId), alert, 'concerns')];
    }
    case 'vitae.monitoring.v1.DriftAlertCleared':
      return [is(node('alert', event.alertId), 'cleared')];
    default:
      return undefined;
  }
}

/** What a deployment carries that needed no decision. */
const NO_DECISION = '00000000-0000-0000-0000-000000000000';

import type { HistoryItem } from './history-item.ts';

/** How a model stood: what its events, up to some point, add up to. */
export interface ModelState {
  readonly name: string;
  readonly state: 'active' | 'deprecated';
  readonly deleted: boolean;
  /** By alias the version it named. */
  readonly aliases: Readonly<Record<string, number>>;
  readonly useCase: { readonly useCaseId: string; readonly state: string };
  /** By id. */
  readonly versions: Readonly<Record<string, VersionState>>;
  /** By endpoint's id: where requests went, if anywhere. */
  readonly serving: Readonly<Record<string, { readonly endpoint: string; readonly environment: string; readonly weights: readonly Weight[]; readonly since: number }>>;
  /** By id, those that had begun and not ended. */
  readonly open: {
    readonly rollouts: Open;
    readonly alerts: Open;
    readonly incidents: Open;
    readonly retirements: Open;
  };
}

/** Of each open thing the event that last said something of it. */
type Open = Readonly<Record<string, { readonly event: string; readonly index: number }>>;

export interface VersionState {
  readonly version: number;
  readonly state: 'registered' | 'deprecated' | 'retired' | 'purged';
  readonly deleted: boolean;
  /** Those that were measured and still count; what others report is in the history, and not among them. */
  readonly evaluations: number;
  /** The last decision at each gate, `<gate>/<environment>`. */
  readonly decisions: Readonly<Record<string, { readonly outcome: 'allow' | 'deny'; readonly decisionId: string; readonly permitExpiresAt?: string; readonly index: number }>>;
}

interface Weight {
  readonly variantId: string;
  readonly modelVersionId: string;
  readonly version: number;
  readonly weight: number;
}

export const UNBORN: ModelState = { name: '', state: 'active', deleted: false, aliases: {}, useCase: { useCaseId: '', state: 'unknown' }, versions: {}, serving: {}, open: { rollouts: {}, alerts: {}, incidents: {}, retirements: {} } };

/** A payload's fields; those that are zero or empty are not there. */
interface Payload {
  readonly [name: string]: unknown;
}
const text = (payload: Payload, name: string): string => String(payload[name] ?? '');

/** The state after one more event of the model, its use case or its data. */
export function withModelEvent(state: ModelState, { envelope, payload }: HistoryItem): ModelState {
  const index = Number(envelope.index);
  const event = envelope.type.slice(envelope.type.lastIndexOf('.') + 1);
  const { open } = state;
  const begun = (kind: keyof ModelState['open'], id: string): ModelState => ({ ...state, open: { ...open, [kind]: { ...open[kind], [text(payload, id)]: { event, index } } } });
  const ended = (kind: keyof ModelState['open'], id: string): ModelState => ({ ...state, open: { ...open, [kind]: without(open[kind], text(payload, id)) } });
  const version = (id: string, change: (before: VersionState) => VersionState): ModelState => {
    const before = state.versions[id];
    return before ? { ...state, versions: { ...state.versions, [id]: change(before) } } : state;
  };
  switch (envelope.type) {
    case 'vitae.governance.v1.UseCaseDrafted':
    case 'vitae.governance.v1.UseCaseSubmitted':
    case 'vitae.governance.v1.UseCaseApproved':
    case 'vitae.governance.v1.UseCaseRejected':
      return { ...state, useCase: { useCaseId: text(payload, 'useCaseId'), state: event.slice('UseCase'.length).toLowerCase() } };
    case 'vitae.registry.v1.ModelRegistered':
      return { ...state, name: text(payload, 'name'), useCase: state.useCase.useCaseId === '' ? { ...state.useCase, useCaseId: text(payload, 'useCaseId') } : state.useCase };
    case 'vitae.registry.v1.ModelPurposeStated':
      return { ...state, useCase: state.useCase.useCaseId === '' ? { ...state.useCase, useCaseId: text(payload, 'useCaseId') } : state.useCase };
    case 'vitae.registry.v1.ModelVersionRegistered':
    case 'vitae.registry.v1.ModelVersionReferenced':
    case 'vitae.registry.v1.ExternalModelVersionRegistered':
      return {
        ...state,
        versions: { ...state.versions, [text(payload, 'modelVersionId')]: { version: Number(payload['version']), state: 'registered', deleted: false, evaluations: 0, decisions: {} } },
      };
    case 'vitae.registry.v1.ModelRenamed':
      return { ...state, name: text(payload, 'name') };
    case 'vitae.registry.v1.ModelDeprecated':
      return { ...state, state: 'deprecated' };
    case 'vitae.registry.v1.ModelDeprecationLifted':
      return { ...state, state: 'active' };
    case 'vitae.registry.v1.ModelDeleted':
      return { ...state, deleted: true };
    case 'vitae.registry.v1.ModelRestored':
      return { ...state, deleted: false };
    case 'vitae.registry.v1.ModelAliasAssigned':
      return { ...state, aliases: { ...state.aliases, [text(payload, 'alias')]: Number(payload['version']) } };
    case 'vitae.registry.v1.ModelAliasRemoved':
      return { ...state, aliases: without(state.aliases, text(payload, 'alias')) };
    case 'vitae.registry.v1.ModelVersionDeprecated':
      return version(text(payload, 'modelVersionId'), (before) => ({ ...before, state: 'deprecated' }));
    case 'vitae.registry.v1.ModelVersionDeprecationLifted':
      return version(text(payload, 'modelVersionId'), (before) => ({ ...before, state: 'registered' }));
    case 'vitae.registry.v1.ModelVersionDeleted':
      return version(text(payload, 'modelVersionId'), (before) => ({ ...before, deleted: true }));
    case 'vitae.registry.v1.ModelVersionRestored':
      return version(text(payload, 'modelVersionId'), (before) => ({ ...before, deleted: false }));
    case 'vitae.registry.v1.ModelVersionPurged':
      return version(text(payload, 'modelVersionId'), (before) => ({ ...before, state: 'purged' }));
    case 'vitae.registry.v1.EvaluationRecorded':
      return version(text(payload, 'modelVersionId'), (before) => ({ ...before, evaluations: before.evaluations + 1 }));
    case 'vitae.registry.v1.EvaluationInvalidated':
      return payload['reported'] === true ? state : version(text(payload, 'modelVersionId'), (before) => ({ ...before, evaluations: before.evaluations - 1 }));
    case 'vitae.registry.v1.ModelVersionRetired':
      return version(text(payload, 'modelVersionId'), (before) => ({ ...before, state: 'retired' }));
    case 'vitae.governance.v1.GateDecided': {
      const subject = (payload['subject'] ?? {}) as Payload;
      const permit = payload['permit'] as Payload | undefined;
      const decision = {
        outcome: payload['outcome'] === 'GATE_OUTCOME_ALLOW' ? ('allow' as const) : ('deny' as const),
        decisionId: text(payload, 'decisionId'),
        ...(permit ? { permitExpiresAt: text(permit, 'expiresAt') } : {}),
        index,
      };
      return version(text(subject, 'modelVersionId'), (before) => ({
        ...before,
        decisions: { ...before.decisions, [`${text(subject, 'gate')}/${text(subject, 'environment')}`]: decision },
      }));
    }
    case 'vitae.deployment.v1.TrafficShifted': {
      const weights = ((payload['weights'] ?? []) as readonly Partial<Weight>[]).flatMap(({ variantId = '', modelVersionId = '', version: number = 0, weight = 0 }) =>
        weight > 0 ? [{ variantId, modelVersionId, version: number, weight }] : [],
      );
      const served = { endpoint: text(payload, 'endpointName'), environment: text(payload, 'environment'), weights, since: index };
      return { ...state, serving: { ...state.serving, [text(payload, 'endpointId')]: served } };
    }
    case 'vitae.deployment.v1.VariantRemoved': {
      // What is gone serves nothing, whatever the last shift said.
      const [endpointId, variantId] = [text(payload, 'endpointId'), text(payload, 'variantId')];
      const at = state.serving[endpointId];
      if (!at?.weights.some((weight) => weight.variantId === variantId)) return state;
      return { ...state, serving: { ...state.serving, [endpointId]: { ...at, weights: at.weights.filter((weight) => weight.variantId !== variantId), since: index } } };
    }
    case 'vitae.deployment.v1.RolloutStarted':
    case 'vitae.deployment.v1.RolloutAdvanced':
      return begun('rollouts', 'rolloutId');
    case 'vitae.deployment.v1.RolloutCompleted':
    case 'vitae.deployment.v1.RolloutRolledBack':
      return ended('rollouts', 'rolloutId');
    case 'vitae.monitoring.v1.DriftAlertRaised':
    case 'vitae.monitoring.v1.DriftAlertWidened':
      return begun('alerts', 'alertId');
    case 'vitae.monitoring.v1.DriftAlertCleared':
      return ended('alerts', 'alertId');
    case 'vitae.governance.v1.IncidentReported':
    case 'vitae.governance.v1.RetrainingRequested':
      return begun('incidents', 'incidentId');
    case 'vitae.governance.v1.IncidentClosed':
      return ended('incidents', 'incidentId');
    case 'vitae.governance.v1.RetirementProposed':
    case 'vitae.governance.v1.RetirementApproved':
      return begun('retirements', 'retirementId');
    case 'vitae.governance.v1.RetirementCompleted':
      return ended('retirements', 'retirementId');
    default:
      return state;
  }
}

function without<Value>(record: Readonly<Record<string, Value>>, name: string): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));
}

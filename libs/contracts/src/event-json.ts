import { createRegistry, type DescMessage, type JsonValue, type Message } from '@bufbuild/protobuf';
import { createValidator } from '@bufbuild/protovalidate';
import { canonicalMessage } from './canonical-message.ts';
import { file_vitae_deployment_v1_endpoint } from './gen/vitae/deployment/v1/endpoint_pb.ts';
import { file_vitae_deployment_v1_environment } from './gen/vitae/deployment/v1/environment_pb.ts';
import { file_vitae_deployment_v1_permit } from './gen/vitae/deployment/v1/permit_pb.ts';
import { file_vitae_deployment_v1_rollout } from './gen/vitae/deployment/v1/rollout_pb.ts';
import { file_vitae_governance_v1_api_token } from './gen/vitae/governance/v1/api_token_pb.ts';
import { file_vitae_governance_v1_delegation } from './gen/vitae/governance/v1/delegation_pb.ts';
import { file_vitae_governance_v1_gate } from './gen/vitae/governance/v1/gate_pb.ts';
import { file_vitae_governance_v1_incident } from './gen/vitae/governance/v1/incident_pb.ts';
import { file_vitae_governance_v1_linked_accounts } from './gen/vitae/governance/v1/linked_accounts_pb.ts';
import { file_vitae_governance_v1_retirement } from './gen/vitae/governance/v1/retirement_pb.ts';
import { file_vitae_governance_v1_use_case } from './gen/vitae/governance/v1/use_case_pb.ts';
import { file_vitae_ledger_v1_erasure } from './gen/vitae/ledger/v1/erasure_pb.ts';
import { file_vitae_access_v1_access_log } from './gen/vitae/access/v1/access_log_pb.ts';
import { file_vitae_ledger_v1_evidence } from './gen/vitae/ledger/v1/evidence_pb.ts';
import { file_vitae_ledger_v1_log_key } from './gen/vitae/ledger/v1/log_key_pb.ts';
import { file_vitae_ledger_v1_webhook } from './gen/vitae/ledger/v1/webhook_pb.ts';
import { file_vitae_monitoring_v1_baseline } from './gen/vitae/monitoring/v1/baseline_pb.ts';
import { file_vitae_monitoring_v1_canary } from './gen/vitae/monitoring/v1/canary_pb.ts';
import { file_vitae_monitoring_v1_window } from './gen/vitae/monitoring/v1/window_pb.ts';
import { file_vitae_registry_v1_ai_system } from './gen/vitae/registry/v1/ai_system_pb.ts';
import { file_vitae_registry_v1_dataset } from './gen/vitae/registry/v1/dataset_pb.ts';
import { file_vitae_registry_v1_evaluation } from './gen/vitae/registry/v1/evaluation_pb.ts';
import { file_vitae_registry_v1_guardrail } from './gen/vitae/registry/v1/guardrail_pb.ts';
import { file_vitae_registry_v1_evaluation_suite } from './gen/vitae/registry/v1/evaluation_suite_pb.ts';
import { file_vitae_registry_v1_lineage } from './gen/vitae/registry/v1/lineage_pb.ts';
import { file_vitae_registry_v1_model } from './gen/vitae/registry/v1/model_pb.ts';
import { file_vitae_registry_v1_model_card } from './gen/vitae/registry/v1/model_card_pb.ts';
import { file_vitae_registry_v1_model_signature } from './gen/vitae/registry/v1/model_signature_pb.ts';
import { file_vitae_registry_v1_model_version } from './gen/vitae/registry/v1/model_version_pb.ts';
import { file_vitae_registry_v1_tool } from './gen/vitae/registry/v1/tool_pb.ts';
import { file_vitae_registry_v1_experiment } from './gen/vitae/registry/v1/experiment_pb.ts';
import { file_vitae_registry_v1_run } from './gen/vitae/registry/v1/run_pb.ts';
import { file_vitae_registry_v1_logged_model } from './gen/vitae/registry/v1/logged_model_pb.ts';
import { file_vitae_registry_v1_mlflow_webhook } from './gen/vitae/registry/v1/mlflow_webhook_pb.ts';
import { readMessage } from './read-message.ts';
import { surelyValid } from './surely-valid.ts';

/** Every event type that Vitae knows, by its full name. */
export const eventRegistry = createRegistry(
  file_vitae_ledger_v1_webhook,
  file_vitae_registry_v1_ai_system,
  file_vitae_registry_v1_dataset,
  file_vitae_registry_v1_evaluation,
  file_vitae_registry_v1_guardrail,
  file_vitae_registry_v1_evaluation_suite,
  file_vitae_registry_v1_lineage,
  file_vitae_registry_v1_model,
  file_vitae_registry_v1_model_card,
  file_vitae_registry_v1_model_signature,
  file_vitae_registry_v1_model_version,
  file_vitae_registry_v1_tool,
  file_vitae_registry_v1_experiment,
  file_vitae_registry_v1_run,
  file_vitae_registry_v1_logged_model,
  file_vitae_registry_v1_mlflow_webhook,
  file_vitae_governance_v1_api_token,
  file_vitae_governance_v1_delegation,
  file_vitae_governance_v1_gate,
  file_vitae_governance_v1_incident,
  file_vitae_governance_v1_linked_accounts,
  file_vitae_governance_v1_retirement,
  file_vitae_governance_v1_use_case,
  file_vitae_deployment_v1_endpoint,
  file_vitae_deployment_v1_environment,
  file_vitae_deployment_v1_permit,
  file_vitae_deployment_v1_rollout,
  file_vitae_ledger_v1_erasure,
  file_vitae_access_v1_access_log,
  file_vitae_ledger_v1_evidence,
  file_vitae_ledger_v1_log_key,
  file_vitae_monitoring_v1_baseline,
  file_vitae_monitoring_v1_canary,
  file_vitae_monitoring_v1_window,
);

/** One constraint of proto/ that an event does not keep. */
export interface Violation {
  /** Dotted path of the field, e.g. `artefact.digest`. */
  readonly field: string;
  readonly message: string;
}

/** An event that breaks the constraints of its own contract. Nothing of it is stored. */
export class InvalidEvent extends Error {
  override readonly name = 'InvalidEvent';
  constructor(
    readonly type: string,
    readonly violations: readonly Violation[],
  ) {
    super(`${type} breaks its contract: ${violations.map((v) => `${v.field} ${v.message}`).join('; ')}`);
  }
}

/** An event type that this build does not know: it was written by a newer one. */
export class UnknownEventType extends Error {
  override readonly name = 'UnknownEventType';
  constructor(readonly type: string) {
    super(`no contract named ${type} in this build; upgrade this service before it reads such events`);
  }
}

const validator = createValidator({ registry: eventRegistry });

function schemaOf(type: string) {
  const schema = eventRegistry.getMessage(type);
  if (!schema) throw new UnknownEventType(type);
  return schema;
}

/**
 * The stored, hashed and published form of an event: canonical (RFC 8785) proto3 JSON.
 * Checks the constraints of proto/ first. Throws InvalidEvent, UnknownEventType.
 */
export function eventToJson(event: Message): string {
  const schema = schemaOf(event.$typeName);
  if (!surelyValid(schema, event)) judge(schema, event);
  return canonicalMessage(schema, event);
}

/** What proto/ says, in full. Throws InvalidEvent. */
function judge(schema: DescMessage, event: Message): void {
  const result = validator.validate(schema, event);
  if (result.kind === 'invalid') {
    throw new InvalidEvent(
      event.$typeName,
      result.violations.map((v) => ({ field: v.field.map(pathStep).join('.'), message: v.message })),
    );
  }
  if (result.kind === 'error') throw result.error;
}

/**
 * The same without the check: for an event that was checked, and whose personal texts were sealed afterwards.
 * Sealed text is longer than what it holds, so it need not keep the constraints. Throws UnknownEventType.
 */
export function storedJson(event: Message): string {
  return canonicalMessage(schemaOf(event.$typeName), event);
}

/** Reads what eventToJson wrote. Fields added by a newer build are passed over. Throws UnknownEventType. */
export function eventFromJson(type: string, json: string): Message {
  return readMessage(schemaOf(type), JSON.parse(json) as JsonValue);
}

function pathStep(step: { readonly kind: string } & Partial<Record<'name' | 'localName' | 'index' | 'key', unknown>>): string {
  return String(step.localName ?? step.name ?? step.index ?? step.key ?? step.kind);
}

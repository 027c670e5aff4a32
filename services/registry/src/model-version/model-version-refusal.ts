import type { ModelVersionSignatureRejected } from '@vitae/contracts';
import { Refused, type RefusalStatus } from '@vitae/event-store';

export type ModelVersionRefusal =
  | 'ARTEFACT_ALREADY_REGISTERED'
  | 'ARTEFACT_MISSING'
  | 'ARTEFACT_NOT_ONNX'
  | 'ARTEFACT_NOT_TENSORS'
  | 'MODEL_VERSION_NOT_FOUND'
  | 'MODEL_VERSION_DELETED'
  | 'MODEL_VERSION_RETIRED'
  | 'MODEL_VERSION_PURGED'
  | 'MODEL_VERSION_SERVES'
  | 'PURGE_TOO_EARLY'
  | 'SUCCESSOR_UNFIT'
  | 'SIGNATURE_REJECTED';

export const neverRegistered = (): Refused => refuse('MODEL_VERSION_NOT_FOUND', 404, 'There is no such model version. POST …/models/<id>/versions registers one.');

export const refuse = (reason: ModelVersionRefusal, status: RefusalStatus, message: string): Refused => new Refused(reason, message, status);

export const modelVersionNotFound = (id: string): Refused =>
  refuse('MODEL_VERSION_NOT_FOUND', 404, `There is no model version ${id} in this project. GET …/models/<id>/versions lists a model's versions.`);

export const modelVersionDeleted = (version: number): Refused =>
  refuse('MODEL_VERSION_DELETED', 410, `Version ${version} was deleted. POST …/restoration brings it back; GET …?deleted=show shows it as it was.`);

export const modelVersionPurged = (version: number): Refused =>
  refuse('MODEL_VERSION_PURGED', 410, `The bytes of version ${version} were purged, and nothing brings them back. Its history and digests stay: read them, or register the artefact as a new version.`);

export const artefactMissing = (version: number, so: string): Refused =>
  refuse('ARTEFACT_MISSING', 409, `Version ${version} was registered by reference, so ${so}: its artefact was never uploaded. Upload it, and register it as a version with its data and code.`);

export const artefactAlreadyRegistered = (modelName: string, version: number | undefined, digest: string): Refused =>
  refuse('ARTEFACT_ALREADY_REGISTERED', 409, `The artefact ${digest} is version ${version ?? '?'} of ${modelName} already. Use that version, or upload the changed artefact.`);

export const artefactNotOnnx = (digest: string, fault: string): Refused =>
  refuse('ARTEFACT_NOT_ONNX', 422, `The bytes ${digest} cannot be opened as an ONNX model: ${fault.slice(0, 300) || 'ONNX Runtime refuses them'}. Export the model as one ONNX file and upload that.`);

export const artefactNotTensors = (digest: string, values: readonly string[]): Refused =>
  refuse(
    'ARTEFACT_NOT_TENSORS',
    422,
    values.length === 0
      ? `The model ${digest} has no inputs or no outputs, so it cannot be served. Export it with both.`
      : `The model ${digest} has inputs or outputs that are no plain tensors: ${values.join(', ')}. Export it without sequences and maps (skl2onnx: zipmap=False).`,
  );

export const signatureRejected = ({ modelName, fault, detail }: Pick<ModelVersionSignatureRejected, 'modelName' | 'fault' | 'detail'>): Refused =>
  refuse(
    'SIGNATURE_REJECTED',
    422,
    `The version of ${modelName} was not registered, for its signature does not count (${fault}): ${detail}. ${
      fault === 'UNTRUSTED' ? 'Sign it with a key that the project trusts (GET …/signing-trust), or have the key trusted.' : 'Sign exactly these files (OpenSSF Model Signing 1.0) and register it again.'
    }`,
  );

import { parseCertificates, parsePublicKey, SignatureInvalid, verifyModelSignature, type DigestedFile, type SignatureFault } from '@vitae/model-signing';
import type { FoundSignature } from '../model-version/model-version-command.ts';
import type { SigningKey } from './signing-trust.ts';

/** A bundle as it came, and where it lies among the version's files (empty: beside them). */
export interface CarriedBundle {
  readonly digest: string;
  readonly path: string;
  /** Undefined: more than MOST_BUNDLE_BYTES. */
  readonly bytes: Uint8Array | undefined;
}

/** A statement about as many files as a version may have is far smaller. */
export const MOST_BUNDLE_BYTES = 1024 * 1024;

/** What a project asks of signatures. */
export interface ProjectTrust {
  readonly required: boolean;
  readonly keys: readonly SigningKey[];
}

export type SignatureCheck =
  | { readonly is: 'unsigned' }
  | { readonly is: 'verified'; readonly signature: FoundSignature }
  | { readonly is: 'rejected'; readonly fault: SignatureFault | 'MISSING'; readonly detail: string };

/**
 * What a version's signature is worth to its project. Every file must be signed, also those that other verifiers pass
 * over (.gitignore and the like): what is registered is what is served.
 */
export function checkSignature(bundle: CarriedBundle | undefined, files: readonly DigestedFile[], { required, keys }: ProjectTrust, at: Date): SignatureCheck {
  if (!bundle) return required ? { is: 'rejected', fault: 'MISSING', detail: 'this project demands a signature of every version, and this one has none' } : { is: 'unsigned' };
  if (!bundle.bytes) return { is: 'rejected', fault: 'MALFORMED', detail: `the bundle has more than ${MOST_BUNDLE_BYTES} bytes` };
  try {
    const trust = {
      keys: keys.filter(({ method }) => method === 'key').map(({ pem }) => parsePublicKey(pem)),
      certificates: keys.filter(({ method }) => method === 'certificate').flatMap(({ pem }) => parseCertificates(pem)),
      at,
    };
    const { method, keyId, signer, statement, unsigned } = verifyModelSignature(bundle.bytes, files, trust);
    if (unsigned.length > 0) return { is: 'rejected', fault: 'OTHER_FILES', detail: `the file ${unsigned[0]} was left out of the signature` };
    const name = signer || (keys.find(({ signingKeyId }) => signingKeyId === keyId)?.name ?? keyId);
    return { is: 'verified', signature: { bundleDigest: bundle.digest, bundlePath: bundle.path, method, keyId, signer: name, subjectDigest: statement.subjectDigest } };
  } catch (error) {
    if (!(error instanceof SignatureInvalid)) throw error;
    return { is: 'rejected', fault: error.fault, detail: error.message };
  }
}

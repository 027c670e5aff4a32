import { createPublicKey, sign, type KeyObject, type X509Certificate } from 'node:crypto';
import { formatBundle, signedBytes, type Material } from './bundle.ts';
import type { DigestedFile } from './root-digest.ts';
import { must } from './signature-invalid.ts';
import { hashFor, keyId } from './signing-key.ts';
import { formatStatement } from './statement.ts';

export interface Signing {
  /** What the model is called; it proves nothing. */
  readonly name: string;
  /** All files but the signature. */
  readonly files: readonly DigestedFile[];
  /** On P-256, P-384 or P-521. */
  readonly privateKey: KeyObject;
  /** The signer's certificate, for this key, and those up to the root. Without: the method `key`. */
  readonly certificates?: readonly X509Certificate[];
}

/**
 * Signs a model: the text of a bundle, to be kept as `model.sig`.
 * @throws SignatureInvalid UNSUPPORTED for another kind of key, MALFORMED when the certificate is for another key.
 */
export function signModel({ name, files, privateKey, certificates = [] }: Signing): string {
  must(files.length > 0, 'MALFORMED', 'a model has at least one file');
  const payload = formatStatement(name, files);
  const signature = sign(hashFor(privateKey), signedBytes({ payload }), privateKey);
  const [own] = certificates;
  must(own === undefined || own.checkPrivateKey(privateKey), 'MALFORMED', 'the first certificate is not one for this key');
  const material: Material = own ? { method: 'certificate', chain: certificates.map(({ raw }) => raw) } : { method: 'key', hint: keyId(createPublicKey(privateKey)) };
  return formatBundle({ material, payload, signature });
}

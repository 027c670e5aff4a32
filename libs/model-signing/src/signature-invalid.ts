/** Why a signature does not count. Closed: new reasons are added, none is renamed. */
export type SignatureFault =
  /** It is no Sigstore bundle 0.3 with a DSSE envelope, or no statement that can be read. */
  | 'MALFORMED'
  /** It is one, made in a way that is not known here: another method, hash or kind of key. */
  | 'UNSUPPORTED'
  /** Nobody whom the verifier trusts made it. */
  | 'UNTRUSTED'
  /** The signer is trusted, and the signature is not over this statement. */
  | 'WRONG'
  /** The signature is right, and speaks of other files. */
  | 'OTHER_FILES';

export class SignatureInvalid extends Error {
  override readonly name = 'SignatureInvalid';
  constructor(
    readonly fault: SignatureFault,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** @throws SignatureInvalid unless the condition holds. */
export function must(condition: boolean, fault: SignatureFault, message: string): asserts condition {
  if (!condition) throw new SignatureInvalid(fault, message);
}

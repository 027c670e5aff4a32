import type { CredentialFault } from './credential.ts';

const WHAT_TO_DO: Readonly<Record<CredentialFault, string>> = {
  malformed: 'it is neither a JWT nor an API token of Vitae',
  'too-large': 'it is too long',
  'scheme-unknown': 'the scheme of Authorization is neither Bearer nor Basic',
  'algorithm-refused': 'it is signed by an algorithm that is not accepted',
  'key-in-header': 'it names the key to check it by, and only keys of the issuer count',
  'type-refused': 'it is a token for something else',
  'signature-wrong': 'its signature does not fit',
  'key-unknown': 'the issuer has no such key',
  'issuer-wrong': 'it comes from an issuer that is not trusted here',
  'audience-wrong': 'it was made for somebody else',
  expired: 'it has expired',
  'not-yet-valid': 'it is not valid yet',
  'claims-wrong': 'what it says is incomplete',
  'token-unknown': 'there is no such API token',
  'token-revoked': 'it was revoked',
};

/** A credential that is not accepted. Becomes 401 with a challenge (RFC 6750 section 3); the credential itself is never repeated. */
export class CredentialRefused extends Error {
  override readonly name = 'CredentialRefused';
  constructor(
    readonly fault: CredentialFault,
    more = '',
  ) {
    super(`The credential was refused: ${more || WHAT_TO_DO[fault]}.`);
  }
}

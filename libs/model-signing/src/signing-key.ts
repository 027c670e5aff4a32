import { createPublicKey, hash, type KeyObject } from 'node:crypto';
import { SignatureInvalid } from './signature-invalid.ts';

/** Which hash goes with which curve, by OpenSSL's names. Other keys do not sign models. */
const HASHES: Readonly<Record<string, 'sha256' | 'sha384' | 'sha512'>> = { prime256v1: 'sha256', secp384r1: 'sha384', secp521r1: 'sha512' };

/**
 * A public key in PEM, as a verifier gets it.
 * @throws SignatureInvalid MALFORMED for what is no public key (a private one, too), UNSUPPORTED for another kind than P-256, P-384 or P-521.
 */
export function parsePublicKey(pem: string): KeyObject {
  if (!/^\s*-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----\s*$/.test(pem)) throw new SignatureInvalid('MALFORMED', 'this is no public key in PEM (-----BEGIN PUBLIC KEY-----)');
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (error) {
    throw new SignatureInvalid('MALFORMED', 'this public key cannot be read', { cause: error });
  }
  hashFor(key);
  return key;
}

/** @throws SignatureInvalid UNSUPPORTED. */
export function hashFor(key: KeyObject): 'sha256' | 'sha384' | 'sha512' {
  const found = key.asymmetricKeyType === 'ec' ? HASHES[key.asymmetricKeyDetails?.namedCurve ?? ''] : undefined;
  if (found) return found;
  throw new SignatureInvalid('UNSUPPORTED', `models are signed with keys on P-256, P-384 or P-521, and this one is ${key.asymmetricKeyDetails?.namedCurve ?? key.asymmetricKeyType ?? 'of no known kind'}`);
}

/** How a key is named: SHA-256 of its PEM, in hexadecimal digits, which is the hint in a bundle. */
export const keyId = (key: KeyObject): string => hash('sha256', publicPem(key));

/** The public key in PEM, in its one spelling. */
export const publicPem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();

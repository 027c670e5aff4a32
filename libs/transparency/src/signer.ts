import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { fromBase64 } from './base64.ts';
import { ED25519_BYTES, isKeyName, KeyInvalid, keyTypeOf, verifierKeyText, type KeyType } from './verifier-key.ts';

/** Holds a private key and signs with it. A key in an HSM or KMS can stand behind the same three members. */
export interface Signer {
  readonly name: string;
  /** The text of the public key: parseVerifierKey. */
  readonly verifierKey: string;
  /** The bare Ed25519 signature, 64 bytes. */
  sign(message: Uint8Array): Buffer;
}

const TEXT = /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/;
/** What precedes the 32 bytes of the seed in the PKCS #8 form of an Ed25519 key (RFC 8410). */
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');
/** Outside of the signers, so that nobody prints or serialises a key by chance. */
const privateTexts = new WeakMap<Signer, string>();

/** A signer with a new key. Type 1 signs logs, 4 cosigns as a witness. @throws KeyInvalid for a name that no key may have. */
export function newSigner(name: string, type: KeyType = 1): Signer {
  if (!isKeyName(name)) throw new KeyInvalid(`"${name}" cannot name a key: it is empty or holds a space, a plus or a control character`);
  return signerOver(name, type, generateKeyPairSync('ed25519').privateKey);
}

/** The signer behind `PRIVATE+KEY+<name>+<id>+<base64 of type and seed>`. The message of the error never shows the key. @throws KeyInvalid */
export function signerFrom(privateText: string): Signer {
  const [, name = '', id = '', key = ''] = TEXT.exec(privateText) ?? [];
  const bytes = fromBase64(key);
  if (!isKeyName(name) || bytes?.length !== 1 + ED25519_BYTES) {
    throw new KeyInvalid('this is not a private key: PRIVATE+KEY+<name>+<8 hexadecimal digits>+<base64 of 33 bytes>');
  }
  const seed = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, bytes.subarray(1)]), format: 'der', type: 'pkcs8' });
  const signer = signerOver(name, keyTypeOf(bytes[0], name), seed);
  if (!signer.verifierKey.startsWith(`${name}+${id}+`)) throw new KeyInvalid(`the private key of ${name} does not belong to its id ${id}: name, id or key was changed`);
  return signer;
}

/** The private key of a signer made here, in the form that signerFrom reads. Keep it secret. @throws KeyInvalid */
export function privateText(signer: Signer): string {
  const text = privateTexts.get(signer);
  if (text === undefined) throw new KeyInvalid(`the private key of ${signer.name} is not at hand: its signer was not made by newSigner or signerFrom`);
  return text;
}

function signerOver(name: string, type: KeyType, privateKey: KeyObject): Signer {
  const raw = Buffer.from(createPublicKey(privateKey).export({ format: 'jwk' }).x ?? '', 'base64url');
  const verifierKey = verifierKeyText(name, type, raw);
  const signer: Signer = { name, verifierKey, sign: (message) => sign(null, message, privateKey) };
  const seed = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url');
  const id = verifierKey.slice(name.length + 1, name.length + 9);
  privateTexts.set(signer, `PRIVATE+KEY+${name}+${id}+${Buffer.concat([Buffer.of(type), seed]).toString('base64')}`);
  return signer;
}

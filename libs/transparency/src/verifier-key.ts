import { createPublicKey, hash, type KeyObject } from 'node:crypto';
import { fromBase64 } from './base64.ts';

/** A key's text does not say what it must. */
export class KeyInvalid extends Error {
  override readonly name = 'KeyInvalid';
}

/** 1: Ed25519 over the note. 4: Ed25519 over the note and a time, by a witness (C2SP tlog-cosignature). */
export type KeyType = 1 | 4;

/** A public key that signs notes, as its owner hands it out: `<name>+<id>+<base64 of type and key>`. */
export interface VerifierKey {
  readonly name: string;
  /** First four bytes of SHA-256(name ‖ newline ‖ type ‖ key). A hint, no proof. */
  readonly id: number;
  readonly type: KeyType;
  readonly publicKey: KeyObject;
  /** As handed out. */
  readonly text: string;
}

export const ED25519_BYTES = 32;
const TEXT = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/;

/** @throws KeyInvalid */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name = '', id = '', key = ''] = TEXT.exec(text) ?? [];
  const bytes = fromBase64(key);
  if (!isKeyName(name) || !bytes) throw new KeyInvalid(`"${text}" is not a verifier key: <name>+<8 hexadecimal digits>+<base64>`);
  const type = keyTypeOf(bytes[0], name);
  if (bytes.length !== 1 + ED25519_BYTES) throw new KeyInvalid(`the key of ${name} has ${bytes.length - 1} bytes; an Ed25519 key has ${ED25519_BYTES}`);
  const raw = bytes.subarray(1);
  const expected = keyId(name, type, raw);
  if (Number.parseInt(id, 16) !== expected) throw new KeyInvalid(`the key of ${name} has the id ${hex(expected)}, not ${id}: name, id or key was changed`);
  return { name, id: expected, type, publicKey: publicKeyFrom(raw), text };
}

export function verifierKeyText(name: string, type: KeyType, raw: Uint8Array): string {
  return `${name}+${hex(keyId(name, type, raw))}+${Buffer.concat([Buffer.of(type), raw]).toString('base64')}`;
}

/** Not empty, no space of any alphabet, no plus, no control character. */
export function isKeyName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\s+\u0000-\u001f\u007f\u0085]/u.test(name);
}

/** @throws KeyInvalid for a type that is not ours. */
export function keyTypeOf(byte: number | undefined, name: string): KeyType {
  if (byte === 1 || byte === 4) return byte;
  throw new KeyInvalid(`the key of ${name} is of type ${byte ?? 'none'}; known are 1 (Ed25519) and 4 (Ed25519 cosignature)`);
}

function keyId(name: string, type: KeyType, raw: Uint8Array): number {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(type), raw]), 'buffer').readUInt32BE(0);
}

function publicKeyFrom(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw).toString('base64url') }, format: 'jwk' });
}

function hex(id: number): string {
  return id.toString(16).padStart(8, '0');
}

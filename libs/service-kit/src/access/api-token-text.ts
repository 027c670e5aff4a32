import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * The text of an API token: `vitae_<id>_<secret><checksum>`.
 *
 * Letters and digits only, so that a double click takes all of it. The checksum is over everything before it: a text that
 * was cut or mistyped is told from a token that is not valid any more, without asking anybody, and a scanner that finds the
 * text in a repository knows that it is one.
 */
const TOKEN = /^(vitae_([0-9A-Za-z]{12})_([0-9A-Za-z]{43}))([0-9A-Za-z]{6})$/;
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID = { bytes: 8, digits: 12 } as const;
const SECRET = { bytes: 32, digits: 43 } as const;

/** How many random bytes `apiTokenText` takes. */
export const API_TOKEN_BYTES = ID.bytes + SECRET.bytes;

/** What is kept of a token: its id, and the SHA-256 of its secret. */
export interface ApiTokenKey {
  readonly id: string;
  readonly hash: Buffer;
}

/** The text of a token that is made of random bytes: 64 bits name it, 256 are its secret. */
export function apiTokenText(random: Uint8Array): string {
  if (random.length !== API_TOKEN_BYTES) throw new RangeError(`an API token is made of ${API_TOKEN_BYTES} random bytes, not of ${random.length}`);
  const text = `vitae_${base62(random.subarray(0, ID.bytes), ID.digits)}_${base62(random.subarray(ID.bytes), SECRET.digits)}`;
  return text + checksum(text);
}

/** Of the text of a token; undefined when it cannot be one. */
export function readApiToken(text: string): ApiTokenKey | undefined {
  const [, body, id, secret, sum] = TOKEN.exec(text) ?? [];
  if (body === undefined || id === undefined || secret === undefined || sum !== checksum(body)) return undefined;
  return { id, hash: createHash('sha256').update(secret).digest() };
}

/** Whether a credential claims to be an API token, and so is no JWT. */
export const looksLikeApiToken = (credential: string): boolean => credential.startsWith('vitae_');

const checksum = (text: string): string => digitsOf(BigInt(crc32(text)), 6);
const base62 = (bytes: Uint8Array, digits: number): string => digitsOf(BigInt(`0x${Buffer.from(bytes).toString('hex')}`), digits);

function digitsOf(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest /= 62n) text = DIGITS.charAt(Number(rest % 62n)) + text;
  return text;
}

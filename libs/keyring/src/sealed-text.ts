import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/**
 * A person's text as it is stored, published and hashed:
 *
 *   enc:v1:<key id>:<event id>:<place>:<base64url(nonce ‖ ciphertext ‖ tag)>;
 *
 * AES-256-GCM. All before the last colon is in clear and authenticated, so a sealed text says itself where it is at home
 * and can be opened wherever a view shows it; and one that is found in another event or field is seen to be a stranger
 * there, by anybody and without a key. The semicolon ends it, so that it can stand within other text.
 */
export interface SealedText {
  readonly keyId: string;
  readonly eventId: string;
  /** `payload.<field>` or `metadata.reason`, in the names and numbers of the stored JSON, each step percent-encoded. */
  readonly place: string;
}

/** Every sealed text begins so. What a client sends MUST NOT contain it. */
export const SEAL = 'enc:v1:';

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const FORM = `enc:v1:(${UUID}):(${UUID}):([A-Za-z0-9_.%-]{1,256}):([A-Za-z0-9_-]+);`;
const NONCE = 12;
const TAG = 16;
/** Texts are filled up to a multiple of this, so that their length does not tell a short answer. */
const BLOCK = 32;

/** Seals a text under a key of 32 bytes. No two results are the same. */
export function sealText(text: string, key: Uint8Array, home: SealedText): string {
  const label = labelOf(home);
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(label));
  const sealed = Buffer.concat([nonce, cipher.update(filled(text)), cipher.final(), cipher.getAuthTag()]);
  return `${label}:${sealed.toString('base64url')};`;
}

/** The text, or undefined when key, label and bytes do not belong together. */
export function openText(sealed: string, key: Uint8Array): string | undefined {
  const [, keyId, eventId, place, data] = new RegExp(`^${FORM}$`).exec(sealed) ?? [];
  if (keyId === undefined || eventId === undefined || place === undefined || data === undefined) return undefined;
  const bytes = Buffer.from(data, 'base64url');
  if (bytes.length < NONCE + TAG) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE), { authTagLength: TAG })
    .setAAD(Buffer.from(labelOf({ keyId, eventId, place })))
    .setAuthTag(bytes.subarray(-TAG));
  try {
    const clear = Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]);
    return clear.subarray(0, clear.lastIndexOf(0x80)).toString('utf8');
  } catch {
    return undefined; // GCM says no, and nothing more
  }
}

/** Where every sealed text within a text is at home, in order. */
export function sealedTextsIn(text: string): readonly SealedText[] {
  if (!text.includes(SEAL)) return [];
  return [...text.matchAll(new RegExp(FORM, 'g'))].map(([, keyId = '', eventId = '', place = '']) => ({ keyId, eventId, place }));
}

/** Replaces every sealed text within a text. */
export function replaceSealed(text: string, by: (sealed: string, home: SealedText) => string): string {
  if (!text.includes(SEAL)) return text;
  return text.replaceAll(new RegExp(FORM, 'g'), (sealed: string, keyId: string, eventId: string, place: string) => by(sealed, { keyId, eventId, place }));
}

/** Changes what stands between the sealed texts, and leaves these as they are. */
export function replaceUnsealed(text: string, by: (clear: string) => string): string {
  const whole = text.match(new RegExp(FORM, 'g')) ?? [];
  let rest = text;
  let result = '';
  for (const sealed of [...whole, undefined]) {
    const end = sealed === undefined ? rest.length : rest.indexOf(sealed);
    if (end > 0) result += by(rest.slice(0, end));
    result += sealed ?? '';
    rest = rest.slice(end + (sealed?.length ?? 0));
  }
  return result;
}

const labelOf = ({ keyId, eventId, place }: SealedText): string => `${SEAL}${keyId}:${eventId}:${place}`;

/** ISO/IEC 7816-4: the byte 80, then zeros; it can be taken off again whatever the text is. */
function filled(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  const whole = Buffer.alloc(Math.ceil((bytes.length + 1) / BLOCK) * BLOCK);
  bytes.copy(whole);
  whole[bytes.length] = 0x80;
  return whole;
}

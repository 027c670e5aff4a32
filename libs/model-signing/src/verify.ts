import { verify, type KeyObject, type X509Certificate } from 'node:crypto';
import { parseBundle, signedBytes, type Material } from './bundle.ts';
import { nameOf, trustedSigner } from './certificate-chain.ts';
import type { DigestedFile } from './root-digest.ts';
import { must } from './signature-invalid.ts';
import { hashFor, keyId } from './signing-key.ts';
import { parseStatement, type Statement } from './statement.ts';

/** Whom the verifier believes, and at what time it asks. */
export interface Trust {
  readonly keys: readonly KeyObject[];
  /** Roots, or certificates further down, to which a signer's chain must lead. */
  readonly certificates: readonly X509Certificate[];
  readonly at: Date;
}

/** A signature that holds. */
export interface VerifiedSignature {
  readonly method: Material['method'];
  /** The id of the key that signed. */
  readonly keyId: string;
  /** Whom the certificate names; empty for a key. */
  readonly signer: string;
  readonly statement: Statement;
  /** Files that are there and not signed, because the signer left such paths out. */
  readonly unsigned: readonly string[];
}

/** Left out by every signer, at the top only (section 6.2). */
const ALWAYS_IGNORED = ['.git', '.gitignore', '.gitattributes', '.github'];

/**
 * Does the bundle say, by somebody who is trusted, that the model has exactly these files?
 * Verifies before it reads: the payload is looked at only once its signature holds.
 *
 * @param files all files of the model but the bundle itself.
 * @throws SignatureInvalid with the fault.
 */
export function verifyModelSignature(bundle: Uint8Array, files: readonly DigestedFile[], trust: Trust): VerifiedSignature {
  const parsed = parseBundle(bundle);
  const { material } = parsed;
  const holds = (key: KeyObject): boolean => verify(hashFor(key), signedBytes(parsed), key, parsed.signature);
  const [key, signer] = material.method === 'key' ? [signingKey(material.hint, trust.keys, holds), ''] : byCertificate(material.chain, trust, holds);
  const statement = parseStatement(parsed.payload);
  return { method: material.method, keyId: keyId(key), signer, statement, unsigned: compare(files, statement) };
}

/** By the hint; a bundle from before hints is tried with every key. */
function signingKey(hint: string | undefined, keys: readonly KeyObject[], holds: (key: KeyObject) => boolean): KeyObject {
  const candidates = hint === undefined ? keys : keys.filter((key) => keyId(key) === hint);
  must(candidates.length > 0, 'UNTRUSTED', `the key ${hint ?? 'of this signature'} is not trusted here`);
  const key = candidates.find(holds);
  must(key !== undefined, hint === undefined ? 'UNTRUSTED' : 'WRONG', hint === undefined ? 'none of the trusted keys made this signature' : `the signature is not one by the key ${hint} over this statement`);
  return key;
}

function byCertificate(chain: readonly Uint8Array[], { certificates, at }: Trust, holds: (key: KeyObject) => boolean): [KeyObject, string] {
  const signer = trustedSigner(chain, certificates, at);
  must(holds(signer.publicKey), 'WRONG', `the signature is not one by ${nameOf(signer)} over this statement`);
  return [signer.publicKey, nameOf(signer)];
}

function compare(files: readonly DigestedFile[], { files: signed, ignoredPaths }: Statement): string[] {
  const here = new Map(files.map(({ path, digest }) => [path, digest]));
  for (const { path, digest } of signed) {
    const found = here.get(path);
    must(found !== undefined, 'OTHER_FILES', `the signed file ${path} is missing`);
    must(found === digest, 'OTHER_FILES', `the file ${path} is ${found}, and ${digest} was signed`);
  }
  const known = new Set(signed.map(({ path }) => path));
  const unsigned = files.map(({ path }) => path).filter((path) => !known.has(path));
  const unexpected = unsigned.find((path) => ![...ALWAYS_IGNORED, ...ignoredPaths].some((ignored) => path === ignored || path.startsWith(`${ignored}/`)));
  must(unexpected === undefined, 'OTHER_FILES', `the file ${unexpected} was not signed`);
  return unsigned;
}

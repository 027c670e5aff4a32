import { hash } from 'node:crypto';

/** A file of a model: where it lies in it, and the SHA-256 of its bytes. */
export interface DigestedFile {
  /** Relative, with forward slashes. */
  readonly path: string;
  /** `sha256:<hex>`. */
  readonly digest: string;
}

/**
 * The one digest of a model of any number of files: SHA-256 over the files' raw digests, in order of path, as OpenSSF
 * Model Signing 1.0 computes the subject of its statement.
 *
 * @returns `sha256:<hex>`. For one file it is the digest of its digest, never the file's own.
 */
export function rootDigest(files: readonly DigestedFile[]): string {
  return digestOfDigests(inOrder(files).map(({ digest }) => digest.slice('sha256:'.length)));
}

/** `sha256:<hex>` of raw digests one after the other, given in hexadecimal digits. */
export const digestOfDigests = (digests: readonly string[]): string => `sha256:${hash('sha256', Buffer.from(digests.join(''), 'hex'))}`;

/** By code point of the path, as the standard says (section 5.2.1). */
export const inOrder = <File extends DigestedFile>(files: readonly File[]): File[] => [...files].sort((a, b) => byCodePoint(a.path, b.path));

/** Not `<` on strings: that compares UTF-16 units, and puts what lies beyond U+FFFF too early. UTF-8 keeps the order of code points. */
const byCodePoint = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

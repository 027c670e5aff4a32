/** A file of an artefact: where it lies in it, and the SHA-256 of its bytes. */
export interface DigestedFile {
  readonly path: string;
  /** `sha256:<hex>`. */
  readonly digest: string;
}

/**
 * The one digest of an artefact of any number of files: SHA-256 over the files' raw digests, in order of
 * path, as OpenSSF Model Signing 1.0 computes the subject of its statement. So a signature made elsewhere
 * over the same files speaks of the same digest.
 *
 * @param sha256 raw SHA-256 of some bytes.
 * @returns `sha256:<hex>`. For one file it is the digest of its digest, never the file's own.
 */
export function rootDigest(files: readonly DigestedFile[], sha256: (bytes: Uint8Array) => Uint8Array): string {
  const inOrder = [...files].sort((a, b) => byCodePoint(a.path, b.path));
  return `sha256:${toHex(sha256(Uint8Array.from(inOrder.flatMap(({ digest }) => fromHex(digest.slice('sha256:'.length))))))}`;
}

/** Not `<` on strings: that compares UTF-16 units, and puts what lies beyond U+FFFF too early. */
function byCodePoint(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let i = 0; i < Math.min(left.length, right.length); i += 1) {
    const difference = (left[i]?.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

const fromHex = (hex: string): number[] => (hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** The bytes behind standard, padded base64; undefined unless encoding them again gives the very same text (RFC 4648, section 4). */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

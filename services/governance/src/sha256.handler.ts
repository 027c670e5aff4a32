import { createHash } from 'node:crypto';

/** SHA-256 of a text's UTF-8 bytes as `sha256:<hex>`. */
export const sha256 = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

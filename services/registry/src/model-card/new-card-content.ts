import { z } from 'zod';
import { plainText } from '../request.ts';
import { bytesOf, sections, type Section } from './card-content.ts';

/** At most so many bytes of UTF-8. */
const bytes = (most: number) => plainText.trim().refine((value) => new TextEncoder().encode(value).length <= most, `At most ${most} bytes.`);
const list = (items: number, characters: number) => z.array(plainText.trim().min(1).max(characters)).max(items).default([]);

const texts = Object.fromEntries(sections.map((section) => [section, bytes(bytesOf(section)).default('')])) as Record<Section, z.ZodDefault<ReturnType<typeof bytes>>>;

const isJson = (value: string): boolean => {
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
};

/** A card as it may be written; what is left out is empty. The same limits stand in the event's contract. */
export const NewCardContent = z.strictObject({
  ...texts,
  licence: plainText.trim().max(200).default(''),
  libraryName: plainText.trim().max(128).default(''),
  tags: list(64, 128),
  languages: list(64, 64),
  baseModels: list(16, 256),
  extra: z
    .array(z.strictObject({ key: plainText.min(1).max(128), json: bytes(8192).refine(isJson, 'This is no JSON.') }))
    .max(32)
    .refine((all) => new Set(all.map(({ key }) => key)).size === all.length, 'Name each key only once.')
    .default([]),
});

import { Refused } from '@vitae/event-store';
import { z } from 'zod';
import { plainText } from './request.ts';

/** What somebody noted of a model or a version: values by key. */
export type Tags = ReadonlyMap<string, string>;

/** How many tags one model or version may have: they come with every answer that shows it. */
export const MOST_TAGS = 500;

const MOST_BYTES = 100_000;

export const tagKey = plainText.min(1).max(250);
export const tagValue = plainText.refine((value) => new TextEncoder().encode(value).length <= MOST_BYTES, `A tag's value has at most ${MOST_BYTES} bytes.`);

/** Tags given with a registration. A list and not an object, so that no key has a meaning of its own. */
export const newTags = z
  .array(z.strictObject({ key: tagKey, value: tagValue }))
  .max(MOST_TAGS)
  .refine((list) => new Set(list.map(({ key }) => key)).size === list.length, 'Name each key only once.');

export const withTag = (tags: Tags, key: string, value: string): Tags => new Map([...tags, [key, value]]);
export const withoutTag = (tags: Tags, key: string): Tags => new Map([...tags].filter(([name]) => name !== key));

/** @throws Refused TAGS_TOO_MANY. */
export function roomForTag(tags: Tags, key: string): void {
  if (tags.has(key) || tags.size < MOST_TAGS) return;
  throw new Refused('TAGS_TOO_MANY', `It has ${tags.size} tags already, and more than ${MOST_TAGS} are not kept. Remove one first.`, 422);
}

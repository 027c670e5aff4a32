import { parseDocument } from 'yaml';
import { z } from 'zod';
import type { CardContent } from './card-content.ts';
import { cardUnreadable } from './model-card.ts';

/** Characters of front matter that are read: real cards have a few thousand. */
const MOST = 32_768;

const words = z.union([z.string(), z.array(z.string())]).transform((said) => (typeof said === 'string' ? [said] : said));

/** The keys that the card has words for; what they hold must be what Hugging Face says it is. */
const Known = z.object({
  license: z.union([z.string(), z.array(z.string()).transform((all) => all.join(' OR '))]).optional(),
  license_name: z.string().optional(),
  library_name: z.string().optional(),
  language: words.optional(),
  tags: words.optional(),
  base_model: words.optional(),
});

/**
 * What the front matter of a card says. Keys without a word of ours are kept as they are.
 * @throws Refused CARD_UNREADABLE. YAML here has no aliases, tags of its own or second document: none of it makes sense in a card, all of it can hurt.
 */
export function readFrontMatter(yaml: string): Partial<CardContent> {
  if (yaml.length > MOST) throw cardUnreadable(`its front matter has ${yaml.length} characters; ${MOST} are read at most.`);
  const all = parsed(yaml);
  const known = Known.safeParse(all);
  if (!known.success) {
    const [issue] = known.error.issues;
    throw cardUnreadable(`${issue?.path.map(String).join('.') ?? ''} in its front matter: ${issue?.message ?? ''}.`);
  }
  const { license = '', license_name: name, library_name: libraryName = '', language = [], tags = [], base_model: baseModels = [] } = known.data;
  const other = license === 'other' && name !== undefined;
  const ours = new Set<string>(Object.keys(Known.shape).filter((key) => key !== 'license_name' || other || name === ''));
  const extra = Object.entries(all).filter(([key]) => !ours.has(key)).map(([key, value]) => ({ key, json: JSON.stringify(value ?? null) }));
  return { licence: other ? name : license, libraryName, languages: language, tags, baseModels, extra };
}

function parsed(yaml: string): Readonly<Record<string, unknown>> {
  let all: unknown;
  try {
    const document = parseDocument(yaml, { schema: 'core', merge: false, resolveKnownTags: false, uniqueKeys: true, logLevel: 'silent' });
    const [fault] = [...document.errors, ...document.warnings];
    if (fault) throw fault;
    all = document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    // Also a RangeError of what is nested too deeply for the stack.
    throw cardUnreadable(`its front matter is no YAML that a card has: ${(cause as Error).message.split('\n')[0] ?? ''}`);
  }
  if (all === null || all === undefined) return {};
  if (typeof all !== 'object' || Array.isArray(all)) throw cardUnreadable('its front matter is no list of keys with values.');
  return all as Readonly<Record<string, unknown>>;
}

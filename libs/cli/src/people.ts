import { callApiJson, type ApiOptions } from './api.ts';

/** How services name a person. */
const PSEUDONYM = /\bpsn_[0-9a-f]{32}\b/g;
/** As many as governance tells at once. */
const AT_ONCE = 100;

type Read = (text: string) => string;

/**
 * Puts names where pseudonyms stand, for people to read; programs get pseudonyms, which stay true. Asks only when there are
 * some, for that somebody looked is told in the ledger. Who may not see names, and who asks of somebody unknown or erased,
 * reads the pseudonym.
 */
export async function namesIn(options: ApiOptions, texts: readonly string[]): Promise<Read> {
  const ids = [...new Set(texts.flatMap((text) => text.match(PSEUDONYM) ?? []))];
  const names = new Map<string, string>();
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const some = ids.slice(from, from + AT_ONCE).join(',');
    const { items } = await callApiJson<{ items: readonly { id: string; name: string }[] }>(options, `governance/v1/people?ids=${some}`).catch(() => ({ items: [] }));
    for (const { id, name } of items) names.set(id, name);
  }
  return (text) => text.replaceAll(PSEUDONYM, (id) => names.get(id) || id);
}

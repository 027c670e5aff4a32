import { openText, replaceSealed } from './sealed-text.ts';

/** What is shown of a text whose key was destroyed. */
export const ERASED = '[erased]';
/** What is shown to a reader who may not see it. */
export const WITHHELD = '[withheld]';
/** What is shown when the keyring is away, does not know the key, or the text was tampered with. */
export const UNREADABLE = '[unreadable]';

/** The key to open texts with, or what to show instead. */
export type Opening = Uint8Array | typeof ERASED | typeof WITHHELD | typeof UNREADABLE;

/** A JSON text with its sealed texts opened, by the id of their key. The result is JSON again. */
export function revealIn(json: string, openings: ReadonlyMap<string, Opening>): string {
  return replaceSealed(json, (sealed, { keyId }) => {
    const opening = openings.get(keyId) ?? UNREADABLE;
    const text = typeof opening === 'string' ? opening : (openText(sealed, opening) ?? UNREADABLE);
    return JSON.stringify(text).slice(1, -1);
  });
}

/** The same when no key can be had: nothing is opened, nothing is shown as it lies in the ledger. */
export const hideIn = (json: string): string => revealIn(json, new Map());

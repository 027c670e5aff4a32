import ids from 'spdx-license-ids/index.json' with { type: 'json' };

const BY_SPELLING: ReadonlyMap<string, string> = new Map(ids.map((id) => [spelling(id), id]));

/** The id on SPDX's list that people mean who write `CC BY 4.0` or `apache-2.0`; undefined when it is not on the list. */
export const spdxIdOf = (licence: string): string | undefined => BY_SPELLING.get(spelling(licence));

function spelling(licence: string): string {
  return licence.trim().toLowerCase().replaceAll(/[\s_]+/g, '-');
}

/** One artefact that events name by its digest: a model's root or file, a data set, what served. */
export interface EvidenceArtefact {
  /** `sha256:<hex>`. */
  readonly digest: string;
  /** Where an event says it. */
  readonly sizeBytes?: number;
  /** What events call it: path, format or media type; sorted. */
  readonly names: readonly string[];
  /** The events that name it. */
  readonly events: readonly number[];
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

const DIGEST = /^sha256:[0-9a-f]{64}$/;
/** Digests of things that are no artefacts: what a decision was asked, and by which rules. */
const NOT_ARTEFACTS = new Set(['inputHash', 'policySetHash', 'subjectHash']);
const NAMES = ['path', 'format', 'mediaType', 'datasetName', 'modelName'];

/** Every artefact that the payloads name, by digest. Who has the payloads can make the list anew, so it needs no trust of its own. */
export function artefactsIn(events: Iterable<{ readonly index: number; readonly payload: string }>): readonly EvidenceArtefact[] {
  const found = new Map<string, { sizeBytes: number | undefined; names: Set<string>; events: Set<number> }>();
  for (const { index, payload } of events) {
    for (const { digest, sizeBytes, names } of digestsIn(JSON.parse(payload) as Json)) {
      const artefact = found.get(digest) ?? { sizeBytes: undefined, names: new Set<string>(), events: new Set<number>() };
      found.set(digest, artefact);
      artefact.events.add(index);
      for (const name of names) artefact.names.add(name);
      artefact.sizeBytes ??= sizeBytes;
    }
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([digest, { sizeBytes, names, events: at }]) => ({ digest, ...(sizeBytes === undefined ? {} : { sizeBytes }), names: [...names].sort(), events: [...at].sort((a, b) => a - b) }));
}

function* digestsIn(value: Json): Generator<{ digest: string; sizeBytes: number | undefined; names: readonly string[] }> {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) yield* digestsIn(item);
    return;
  }
  const fields = value as { readonly [name: string]: Json };
  for (const [name, field] of Object.entries(fields)) {
    if (typeof field !== 'string') yield* digestsIn(field);
    else if (name === 'digest' && DIGEST.test(field)) yield { digest: field, sizeBytes: sizeOf(fields['sizeBytes']), names: NAMES.map((key) => fields[key]).filter((text) => typeof text === 'string') };
    else if (DIGEST.test(field) && !NOT_ARTEFACTS.has(name)) yield { digest: field, sizeBytes: undefined, names: [] };
  }
}

/** proto3 JSON writes 64-bit numbers as strings. */
function sizeOf(value: Json | undefined): number | undefined {
  const size = Number(value ?? Number.NaN);
  return Number.isSafeInteger(size) ? size : undefined;
}

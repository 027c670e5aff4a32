import { Refused } from '@vitae/event-store';
import type { Json } from '../json.ts';

export const COMPONENT_KINDS = ['model-version', 'prompt-version', 'guardrail', 'tool', 'dataset-version', 'evaluation-suite'] as const;
export type ComponentKind = (typeof COMPONENT_KINDS)[number];
export const MODEL_ROLES = ['main', 'fallback', 'adapter', 'embedding', 'reranker', 'judge'] as const;

/** Each is a subject of the event, beside the system, its version and its use case; an event has at most 32. */
export const MOST_COMPONENTS = 29;

/** What a version of a system shall be made of. `revision` is 0 for what is itself a version. */
export interface SaidComponent {
  readonly kind: ComponentKind;
  readonly role: string;
  readonly id: string;
  readonly revision: number;
}
/** A component by its name and number, and by the digest of its content, which is empty for bytes that nobody here has seen. */
export interface PinnedComponent extends SaidComponent {
  readonly name: string;
  readonly version: number;
  readonly digest: string;
}
/** How a component stands now. */
export type Standing = 'active' | 'deprecated' | 'draft' | 'retired' | 'deleted' | 'purged' | 'quarantined' | 'erased';
export interface KnownComponent extends Pick<PinnedComponent, 'kind' | 'id' | 'revision' | 'name' | 'version' | 'digest'> {
  readonly standing: Standing;
  /** Of a tool whose calls nothing takes back and nobody has to agree to. */
  readonly unwatched?: boolean;
}

export interface Composition {
  readonly components: readonly PinnedComponent[];
  readonly parameters: Json;
}

/** Which component is asked for: by id, in any revision or one; or the versions of a prompt by its name. */
export type PinQuestion = { readonly kind: ComponentKind; readonly id: string; readonly revision?: number } | { readonly prompt: string; readonly version?: number };

const WORDS: Readonly<Record<ComponentKind, string>> = {
  'model-version': 'model version', 'prompt-version': 'prompt version', guardrail: 'guardrail', tool: 'tool', 'dataset-version': 'dataset version', 'evaluation-suite': 'evaluation suite',
};
const UNFIT: Readonly<Partial<Record<Standing, string>>> = { draft: 'is only a draft: publish it first', retired: 'is retired', deleted: 'was deleted', purged: 'was purged', quarantined: 'is in quarantine', erased: 'was erased' };

export const keyOf = ({ kind, id, revision }: Pick<SaidComponent, 'kind' | 'id' | 'revision'>): string => `${kind}/${id}/${revision}`;

/**
 * What a version is made of, in the order that counts: fallbacks and guardrails as they were said, for each is asked after
 * the one before; everything else by kind, role and id, so that the same parts are the same composition.
 * @throws Refused COMPOSITION_UNFIT; COMPONENT_UNFIT, naming each component that cannot be pinned.
 */
export function compositionOf(said: readonly SaidComponent[], parameters: Json, known: ReadonlyMap<string, KnownComponent>): Composition {
  const main = said.filter(({ kind, role }) => kind === 'model-version' && role === 'main').length;
  if (main !== 1) throw unfit(`it has ${main} main models. A system has exactly one; what stands in for it is a fallback.`);
  if (said.length > MOST_COMPONENTS) throw unfit(`it has ${said.length} components, and ${MOST_COMPONENTS} are the most. Put tools behind one MCP server, or split the system.`);
  if (new Set(said.map((one) => `${keyOf(one)}/${one.role}`)).size < said.length) throw unfit('a component is named twice in the same role. Name each once.');
  const faults = said.flatMap((one) => fault(one, known.get(keyOf(one))) ?? []);
  if (faults.length > 0) throw new Refused('COMPONENT_UNFIT', `The version of the system cannot be composed: ${faults.join('; ')}. Nothing was stored.`, 422);
  const pinned = said.flatMap((one): PinnedComponent[] => {
    const found = known.get(keyOf(one));
    return found ? [{ ...one, name: found.name, version: found.version, digest: found.digest }] : [];
  });
  return { components: pinned.map((one, place) => ({ one, rank: rankOf(one, place) })).sort((a, b) => (a.rank < b.rank ? -1 : 1)).map(({ one }) => one), parameters };
}

/** Why a component that stands so is not pinned; undefined when it may be. */
const unfitness = ({ kind, standing }: KnownComponent): string | undefined => (kind === 'model-version' && standing === 'quarantined' ? 'was trained on data that is in quarantine' : UNFIT[standing]);

function fault(said: SaidComponent, found: KnownComponent | undefined): string | undefined {
  if (!found) return `there is no ${WORDS[said.kind]} ${said.id}${said.revision > 0 ? ` in revision ${said.revision}` : ''} in this project`;
  const why = unfitness(found);
  return why && `${componentWords(found)} ${why}`;
}

export const componentWords = ({ kind, name, version }: Pick<PinnedComponent, 'kind' | 'name' | 'version'>): string => `${WORDS[kind]} ${name} ${version}`;

const isOrdered = ({ kind, role }: SaidComponent): boolean => kind === 'guardrail' || role === 'fallback';
const rankOf = (one: PinnedComponent, place: number): string => [COMPONENT_KINDS.indexOf(one.kind), one.role, isOrdered(one) ? String(place).padStart(3, '0') : one.id, String(one.revision).padStart(10, '0')].join('|');

/** What the digest of a composition is made over. Names are not among it: they change, and it is still the same. */
export const digested = ({ components, parameters }: Composition) => ({ components: components.map(({ kind, role, id, revision, digest }) => ({ kind, role, id, revision, digest })), parameters });

/** What to know of a version that was composed once: how its parts stand now. */
export function warningsOf(components: readonly PinnedComponent[], known: ReadonlyMap<string, KnownComponent>): readonly { readonly component: PinnedComponent; readonly warning: string }[] {
  return components.flatMap((component) => {
    const now = known.get(keyOf(component));
    const warnings = now
      ? [
          now.standing === 'deprecated' && 'is deprecated',
          unfitness(now),
          now.digest !== component.digest && 'is not run as it was when it was pinned: how its model is configured was changed',
          now.unwatched && 'does what nothing takes back, and nobody has to agree to it',
        ].filter((warning) => typeof warning === 'string')
      : ['is not there any more'];
    return warnings.map((warning) => ({ component, warning: `${componentWords(component)} ${warning}` }));
  });
}

const unfit = (why: string): Refused => new Refused('COMPOSITION_UNFIT', `The composition does not hold together: ${why}`, 422);

import { Refused } from '@vitae/event-store';

/** Hugging Face's words for how a model comes from another one. */
export const RELATIONS = ['finetune', 'adapter', 'merge', 'quantized'] as const;
export type Relation = (typeof RELATIONS)[number];

/** What is said of a base: which version it is, and how it was used. Numbers are 0, texts empty, where nothing was said. */
export interface SaidDerivation {
  readonly modelVersionId: string;
  readonly relation: Relation;
  readonly method: string;
  readonly rank: number;
  readonly alpha: number;
  readonly targetModules: readonly string[];
  readonly bits: number;
  readonly weight: number;
}

/** A base by its name and number, as both were when the derivation was registered. */
export interface Derivation extends SaidDerivation {
  readonly modelId: string;
  readonly modelName: string;
  readonly version: number;
}

export type KnownBase = Pick<Derivation, 'modelId' | 'modelName' | 'version'> & { readonly deleted: boolean };

/** Which parameters say something of which relation. */
const ONLY_OF: Readonly<Record<'rank' | 'alpha' | 'targetModules' | 'bits' | 'weight', readonly Relation[]>> = {
  rank: ['adapter'],
  alpha: ['adapter'],
  targetModules: ['adapter'],
  bits: ['quantized', 'adapter'], // an adapter trained on a quantised base: QLoRA
  weight: ['merge'],
};

/**
 * The derivation of a version that is being registered. Its bases were registered before it and no derivation changes, so
 * there are no circles.
 * @throws Refused BASE_NOT_FOUND, BASE_DELETED, DERIVATION_UNFIT.
 */
export function derivationOf(said: readonly SaidDerivation[], bases: ReadonlyMap<string, KnownBase>): readonly Derivation[] {
  const merges = said.filter(({ relation }) => relation === 'merge').length;
  if (merges > 0 && merges < said.length) throw unfit('a merge is of all its bases. Say merge of each of them.');
  if (merges === 1) throw unfit('a merge has two or more bases. Name the others, or call it a finetune.');
  if (merges === 0 && said.length > 1) throw unfit(`${said[0]?.relation ?? 'it'} has one base, and ${said.length} are named. Only a merge has several.`);
  if (new Set(said.map(({ modelVersionId }) => modelVersionId)).size < said.length) throw unfit('a base is named twice. Name each once.');
  return said.map((one) => {
    for (const [parameter, relations] of Object.entries(ONLY_OF)) {
      const value = one[parameter as keyof typeof ONLY_OF];
      if ((typeof value === 'number' ? value !== 0 : value.length > 0) && !relations.includes(one.relation)) throw unfit(`${parameter} says nothing of ${one.relation}. Leave it out.`);
    }
    const base = bases.get(one.modelVersionId);
    if (!base) throw new Refused('BASE_NOT_FOUND', `There is no model version ${one.modelVersionId} in this project to be derived from. Register the base first: POST …/models/<id>/external-versions for somebody else's model.`, 422);
    if (base.deleted) throw new Refused('BASE_DELETED', `Version ${base.version} of ${base.modelName}, which this one is said to be derived from, was deleted. Restore it first, or name another base.`, 422);
    const { modelId, modelName, version } = base;
    return { ...one, modelId, modelName, version };
  });
}

const unfit = (why: string): Refused => new Refused('DERIVATION_UNFIT', `The derivation does not hold together: ${why}`, 422);

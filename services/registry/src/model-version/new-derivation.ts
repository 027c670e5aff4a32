import { z } from 'zod';
import { digest } from '../artefact/artefact.ts';
import { names, plainText, text } from '../request.ts';
import { newTags } from '../tags.ts';
import { RELATIONS } from './derivation.ts';
import { isMoving, MODALITIES } from './external-model.ts';

/** What a new version is made from; what is left out is not known. */
export const newDerivations = z
  .array(
    z.strictObject({
      modelVersionId: z.uuid(),
      relation: z.enum(RELATIONS),
      method: text(100).default(''),
      rank: z.int().min(1).max(65_536).default(0),
      alpha: z.number().positive().max(1e6).default(0),
      targetModules: z.array(plainText.min(1).max(128)).max(64).default([]),
      bits: z.number().positive().max(64).default(0),
      weight: z.number().min(-100).max(100).default(0),
    }),
  )
  .max(16)
  .default([]);

const modalities = z
  .array(z.enum(MODALITIES))
  .max(MODALITIES.length)
  .refine((list) => new Set(list).size === list.length, 'Name each only once.')
  .default([]);

const Weights = z.strictObject({
  location: text(2000).regex(/^[a-z][a-z0-9+.-]*:\/\/\S+$/i, 'A location is a URI, e.g. https://huggingface.co/<organisation>/<repository>.').refine((uri) => !/^[a-z][a-z0-9+.-]*:\/\/[^/]*@/i.test(uri), 'An address with a user or password in it would keep that for ever. Leave them out.'),
  revision: text(200).min(1).refine((revision) => !isMoving(revision), 'A branch moves. Name a commit, a tag or an object version.'),
  digest: digest.optional(),
});

const location = text(2000).regex(/^[a-z][a-z0-9+.-]*:\/{1,2}\S+$/i, 'A source is a URI, e.g. s3://…, runs:/<run>/model.').refine((uri) => !/^[a-z][a-z0-9+.-]*:\/\/[^/]*@/i.test(uri), 'An address with a user or password in it would keep that for ever. Leave them out.');

/** A version by where its artefact lies: an adapter that a run left behind, for one. */
export const NewReference = z.strictObject({
  source: location,
  runId: text(500).default(''),
  runLink: text(2000).default(''),
  loggedModelId: text(500).default(''),
  description: text(5000).default(''),
  derivedFrom: newDerivations,
  tags: newTags.default([]),
});

/** Somebody else's model, under a model of this project. */
export const NewExternalVersion = z
  .strictObject({
    provider: text(100).min(1),
    providerModelId: text(256).min(1),
    snapshot: text(200).default(''),
    access: z.enum(['api', 'weights']),
    weights: Weights.optional(),
    licence: text(200).default(''),
    terms: text(2000).default(''),
    contextWindow: z.int().min(1).max(1_000_000_000).default(0),
    inputModalities: modalities,
    outputModalities: modalities,
    regions: names(32).default([]),
    contributors: names(64).default([]),
    description: text(5000).default(''),
    derivedFrom: newDerivations,
    tags: newTags.default([]),
  })
  .refine(({ access, weights }) => (access === 'weights') === (weights !== undefined), { path: ['weights'], message: 'Say where the weights lie if and only if they are what is reached (access: weights).' });

import { z } from 'zod';
import { boundedJson } from '../json-schema.ts';
import { promptName } from '../prompt/new-prompt.ts';
import { name, names, text } from '../request.ts';
import { pinsMalformed } from './ai-system.ts';
import { MODEL_ROLES, MOST_COMPONENTS, type PinQuestion } from './composition.ts';

const uuid = z.uuid();
const number = z.int32().min(1);
const few = <Item extends z.ZodType>(item: Item) => z.array(item).max(MOST_COMPONENTS).default([]);
const role = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, 'A role is a word of small letters, digits and hyphens.');

export const NewAISystem = z.strictObject({ name, description: text(5000).default(''), useCaseId: uuid });

/** What a version of a system is made of. Everything is named by a version or a revision that never changes; aliases move, so they pin nothing. */
export const NewComposition = z.strictObject({
  models: z.array(z.strictObject({ modelVersionId: uuid, role: z.enum(MODEL_ROLES) })).min(1).max(MOST_COMPONENTS),
  prompts: few(z.strictObject({ name: promptName, version: number, role: role.default('system') })),
  guardrails: few(z.strictObject({ guardrailId: uuid, revision: number })),
  tools: few(z.strictObject({ toolId: uuid, revision: number })),
  indices: few(z.strictObject({ datasetVersionId: uuid, role: role.default('index') })),
  evaluationSuites: few(z.strictObject({ suiteId: uuid, revision: number })),
  parameters: boundedJson(32_768).refine((value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'Parameters are an object.').default({}),
  description: text(5000).default(''),
  contributors: names(64).default([]),
});
export type NewComposition = z.infer<typeof NewComposition>;

/** @throws Refused PINS_MALFORMED. */
export function pinQuestion(said: string): PinQuestion {
  const [, prompt, version] = /^prompt:([a-zA-Z0-9_.-]{1,256})(?:\/([1-9]\d{0,8}))?$/.exec(said) ?? [];
  if (prompt !== undefined) return { prompt, ...(version === undefined ? {} : { version: Number(version) }) };
  const [, kind, id, revision] = /^(model-version|dataset-version|prompt-version|guardrail|tool|evaluation-suite):([^@]+)(?:@([1-9]\d{0,8}))?$/.exec(said) ?? [];
  if (kind === undefined || !uuid.safeParse(id).success) throw pinsMalformed(said);
  return { kind: kind as Extract<PinQuestion, { id: string }>['kind'], id: id ?? '', ...(revision === undefined ? {} : { revision: Number(revision) }) };
}

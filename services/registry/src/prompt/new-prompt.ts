import { z } from 'zod';
import { jsonFault, type Json } from '../json.ts';
import { boundedJson, jsonSchema } from '../json-schema.ts';
import { plainText, text } from '../request.ts';
import { newTags } from '../tags.ts';
import { otherTags } from './prompt.ts';

/** MLflow's rule. */
export const promptName = z.string().max(256).regex(/^[a-zA-Z0-9_.-]+$/, 'A prompt is named by letters, digits, underscores, hyphens and dots.');

const bytes = (most: number) => plainText.refine((value) => new TextEncoder().encode(value).length <= most, `At most ${most} bytes.`);

/** In MLflow's words, for its client reads it. */
const known = {
  provider: text(100).optional(),
  model_name: text(256).optional(),
  temperature: z.number().min(0).max(100).optional(),
  max_tokens: z.int().min(1).max(1_000_000_000).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z.int().min(1).max(1_000_000).optional(),
  frequency_penalty: z.number().min(-100).max(100).optional(),
  presence_penalty: z.number().min(-100).max(100).optional(),
  stop_sequences: z.array(z.string().max(1000)).max(64).optional(),
};
const ModelConfig = z.strictObject({
  ...known,
  /** What only this provider knows. MLflow keeps it beside the others, and so do we. */
  extra_params: z
    .record(z.string().min(1).max(128), boundedJson(8_192))
    .refine((all) => Object.keys(all).length <= 64, 'At most 64 parameters.')
    .refine((all) => !Object.keys(all).some((name) => Object.hasOwn(known, name)), 'What has a name of its own is said under that.')
    .optional(),
}).refine((config) => jsonFault(config) === undefined && new TextEncoder().encode(JSON.stringify(config)).length <= 32_768, 'At most 32768 bytes of JSON, with whole characters.');

const free = newTags.refine((list) => Object.keys(otherTags(Object.fromEntries(list.map(({ key, value }) => [key, value])))).length === list.length, 'Tags that hold the prompt itself are not set by hand: say text or messages, modelConfig, responseFormat.').default([]);

export const NewPrompt = z.strictObject({ name: promptName, description: text(5000).default(''), tags: free });

export const NewPromptVersion = z
  .strictObject({
    /** One text, or messages for a chat. */
    text: bytes(100_000).min(1).optional(),
    messages: z.array(z.strictObject({ role: text(64).min(1), content: bytes(100_000) })).min(1).max(200).optional(),
    modelConfig: ModelConfig.optional(),
    responseFormat: jsonSchema(50_000).optional(),
    commitMessage: text(5000).default(''),
    tags: free,
  })
  .refine(({ text: one, messages }) => (one === undefined) !== (messages === undefined), { path: ['text'], message: 'Say either text or messages.' })
  .refine(({ messages }) => messages === undefined || new TextEncoder().encode(JSON.stringify(messages)).length <= 100_000, { path: ['messages'], message: 'All messages together have at most 100000 bytes.' });
export type NewPromptVersion = z.infer<typeof NewPromptVersion>;

/** The configuration as it is kept: one object, as MLflow's client writes it. */
export const flatConfig = ({ extra_params: extra = {}, ...said }: z.infer<typeof ModelConfig>): Json => JSON.parse(JSON.stringify({ ...said, ...extra })) as Json;

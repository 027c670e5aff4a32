import { z } from 'zod';
import { boundedJson } from '../json-schema.ts';
import { names, plainText, text } from '../request.ts';
import { FAILURE_MODES, GUARDRAIL_ACTIONS, GUARDRAIL_KINDS } from './guardrail.ts';

/** A guardrail policy as it may be drafted. */
export const NewGuardrailContent = z.strictObject({
  kind: z.enum(GUARDRAIL_KINDS),
  engine: text(128).min(1),
  configuration: boundedJson(32_768).default({}),
  categories: names(64).min(1),
  thresholds: z
    .array(z.strictObject({ name: plainText.min(1).max(128), value: z.number() }))
    .max(64)
    .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, 'Name each threshold only once.')
    .default([]),
  action: z.enum(GUARDRAIL_ACTIONS),
  failureMode: z.enum(FAILURE_MODES),
  description: text(5000).default(''),
});
export const NewGuardrail = NewGuardrailContent.extend({ name: text(256).min(1) });

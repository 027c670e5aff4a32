import { Ajv, type AnySchema } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { z } from 'zod';
import { jsonFault } from './json.ts';

const DRAFT_7 = /^https?:\/\/json-schema\.org\/draft-07\/schema#?$/;
const DRAFT_2020 = /^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;

const draft7 = new Ajv({ strict: false, allErrors: false });
const draft2020 = new Ajv2020({ strict: false, allErrors: false });

/** JSON of at most so many bytes, and not nested endlessly: whoever reads it later walks through it. */
export const boundedJson = (mostBytes: number) =>
  z
    .json()
    .check(({ value, issues }) => {
      const fault = jsonFault(value);
      if (fault !== undefined) issues.push({ code: 'custom', message: fault, input: value });
    })
    .refine((value) => new TextEncoder().encode(JSON.stringify(value)).length <= mostBytes, `At most ${mostBytes} bytes of JSON.`);

/** A JSON Schema, draft 7 or 2020-12 (which is meant when it does not say). It is checked against its own rules, never run. */
export const jsonSchema = (mostBytes: number) =>
  boundedJson(mostBytes)
    .refine((value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'A JSON Schema is an object.')
    .check(({ value, issues }) => {
      const fault = faultIn(value);
      if (fault !== undefined) issues.push({ code: 'custom', message: fault, input: value });
    });

function faultIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined; // said already
  const { $schema: said = 'https://json-schema.org/draft/2020-12/schema' } = value as { readonly $schema?: unknown };
  const drafts = typeof said !== 'string' ? undefined : DRAFT_7.test(said) ? draft7 : DRAFT_2020.test(said) ? draft2020 : undefined;
  if (!drafts) return 'Its $schema is neither draft-07 nor 2020-12.';
  const { $schema: _, ...rest } = value as Record<string, unknown>;
  if (drafts.validateSchema(rest as AnySchema) === true) return undefined;
  const [first] = drafts.errors ?? [];
  return `No JSON Schema: ${first?.instancePath || 'it'} ${first?.message ?? 'is not valid'}.`;
}

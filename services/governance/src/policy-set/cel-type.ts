import { z } from 'zod';

/** What CEL will see where a schema stands. `unknown`: not known before it runs, so nothing is said against it. */
export type CelType =
  | { readonly kind: 'string' | 'int' | 'double' | 'bool' | 'timestamp' | 'duration' | 'unknown' }
  | { readonly kind: 'list'; readonly of: CelType }
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, CelType> };

/** The types of a zod schema's output. Only a whole number is piped (to BigInt), hence an int. */
export function typed(schema: z.core.$ZodType): CelType {
  if (schema instanceof z.ZodObject) {
    return { kind: 'object', fields: new Map(Object.entries(schema.shape as Record<string, z.core.$ZodType>).map(([name, of]) => [name, typed(of)])) };
  }
  if (schema instanceof z.ZodArray) return { kind: 'list', of: typed(schema.element) };
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return typed(schema.unwrap());
  if (schema instanceof z.ZodPipe) return { kind: 'int' };
  if (schema instanceof z.ZodNumber) return { kind: 'double' };
  if (schema instanceof z.ZodBoolean) return { kind: 'bool' };
  if (schema instanceof z.ZodString || schema instanceof z.ZodStringFormat || schema instanceof z.ZodEnum || schema instanceof z.ZodLiteral) return { kind: 'string' };
  throw new Error(`a ${schema._zod.def.type} in the gate input has no CEL type yet; give it one here`);
}

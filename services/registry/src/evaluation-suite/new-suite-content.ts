import { z } from 'zod';
import { columnName, name, plainText, text } from '../request.ts';

const metric = plainText.min(1).max(256);
const split = z.string().max(128).default('');
const finite = z.number();

const Slice = z
  .strictObject({ name, column: columnName, equals: plainText.max(256).optional(), from: finite.optional(), below: finite.optional() })
  .refine(({ equals, from, below }) => (equals !== undefined) !== (from !== undefined || below !== undefined), 'A slice says either equals, or from and below or one of them.')
  .refine(({ from, below }) => from === undefined || below === undefined || from < below, 'A band begins below its end.')
  .transform(({ name: called, column, equals, from, below }) => (equals === undefined ? { name: called, column, from, below } : { name: called, column, equals }));

const Threshold = z.strictObject({
  metric,
  op: z.enum(['at-least', 'at-most']),
  value: finite,
  slice: z.string().max(128).default('').describe('The name of a slice; without it all rows.'),
  severity: z.enum(['error', 'warning']).default('error'),
});

const Judge = z.strictObject({
  model: plainText.trim().min(1).max(256).describe('The model that scores answers, with its version.'),
  rubric: text(5_000).min(1),
  scale: z.strictObject({ from: finite, to: finite }),
});

const once = <T>(list: readonly T[], by: (one: T) => string): boolean => new Set(list.map(by)).size === list.length;

/** What a suite says. */
export const NewSuiteContent = z.strictObject({
  kind: z.enum(['tabular', 'llm']).default('tabular'),
  purpose: text(5_000).default(''),
  datasets: z
    .array(z.strictObject({ datasetVersionId: z.uuid(), split }))
    .max(8)
    .default([])
    .refine((list) => once(list, (one) => JSON.stringify(one)), 'Name each only once.'),
  metrics: z.array(metric).max(64).default([]).refine((list) => once(list, (one) => one), 'Name each only once.').describe('Those that a run must have measured, beside all that the rows define.'),
  thresholds: z.array(Threshold).max(100).default([]),
  slices: z.array(Slice).max(20).default([]).refine((list) => once(list, (one) => one.name), 'Name each only once.'),
  judge: Judge.optional(),
});

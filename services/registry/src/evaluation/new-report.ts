import { z } from 'zod';
import { plainText, text } from '../request.ts';
import { TASKS } from './measured.ts';

/** It becomes one event, and an event has to fit into a message of the broker. */
const MOST_BYTES = 500_000;

const label = plainText.trim().min(1).max(256);
const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

const Metric = z
  .strictObject({ name: label, value: z.number(), lower: z.number().optional(), upper: z.number().optional() })
  .refine(({ lower, upper }) => (lower === undefined) === (upper === undefined), 'An interval has a lower and an upper end.')
  .refine(({ value, lower = value, upper = value }) => lower <= value && value <= upper, 'A value lies within its interval.')
  .transform(({ name, value, lower, upper }) => ({ name, value, ...(lower === undefined || upper === undefined ? {} : { lower, upper }) }));
const metrics = z.array(Metric).max(200).refine((list) => new Set(list.map(({ name }) => name)).size === list.length, 'Name each only once.');

const dataset = z.union([
  z.strictObject({ datasetVersionId: z.uuid() }),
  z.strictObject({
    uri: plainText.trim().min(1).max(2_000),
    digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'A digest is sha256: and 64 hexadecimal digits.'),
    name: text(256).default(''),
  }),
]);

/** What somebody else measured, and how. */
export const NewReport = z
  .strictObject({
    executedBy: label.describe('Person, team or system that ran it.'),
    tool: z.strictObject({ name: label, version: text(128).default(''), url: text(2_000).default('') }),
    executedAt: z.iso.datetime({ offset: true }),
    dataset: dataset.describe('A dataset version that is registered here, or data elsewhere by address and digest.'),
    split: z.string().max(128).default(''),
    rowCount: count.min(1),
    task: z.enum(TASKS).or(z.literal('')).default(''),
    metrics: metrics.default([]),
    groups: z.array(z.strictObject({ attribute: label, group: label, rowCount: count, positiveCount: count.default(0), metrics })).max(200).default([]),
    slices: z.array(z.strictObject({ slice: label, rowCount: count, metrics })).max(20).default([]),
    rubricScores: z
      .array(z.strictObject({ criterion: label, n: count.min(1), mean: z.number(), standardDeviation: z.number().min(0) }))
      .max(64)
      .default([])
      .refine((list) => new Set(list.map(({ criterion }) => criterion)).size === list.length, 'Name each only once.'),
    judge: z
      .strictObject({ model: label, rubric: text(5_000).min(1), scale: z.strictObject({ from: z.number(), to: z.number() }) })
      .transform(({ model, rubric, scale: { from, to } }) => ({ model, rubric, scaleFrom: from, scaleTo: to }))
      .optional(),
    suiteId: z.uuid().optional(),
    revision: z.int32().min(1).optional(),
    notes: text(5_000).default(''),
  })
  .refine(({ metrics: told, rubricScores }) => told.length + rubricScores.length > 0, 'A report has at least one metric or rubric score.')
  .refine((report) => new TextEncoder().encode(JSON.stringify(report)).length <= MOST_BYTES, 'A report has at most 500,000 bytes.')
  .refine(({ suiteId, revision }) => suiteId !== undefined || revision === undefined, 'A revision is one of a suite: name it in suiteId.');

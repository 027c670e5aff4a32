import { z } from 'zod';
import { plainText } from '../request.ts';

/** The version of OpenLineage that is read and written. */
export const SPEC = 'https://openlineage.io/spec/2-0-2/OpenLineage.json';

const MOST_DEPTH = 64;
const address = plainText.min(1).max(1000).refine((value) => URL.canParse(value), 'This is no URI.');
const facet = z.looseObject({ _producer: address, _schemaURL: address });
const facets = z.record(plainText.min(1).max(128), facet).optional();
const named = { namespace: plainText.min(1).max(1000), name: plainText.min(1).max(1000), facets };
const dataset = z.looseObject({ ...named, inputFacets: facets, outputFacets: facets });
const datasets = z.array(dataset).max(200, 'At most 200 datasets are taken in one event.').default([]);

/**
 * What a client of OpenLineage sends: a RunEvent, a DatasetEvent or a JobEvent, told apart by what is in it. Fields that the
 * standard does not know may be there, as it says.
 */
export const OpenLineageDocument = z
  .looseObject({
    eventTime: z.iso.datetime({ offset: true }),
    producer: address,
    schemaURL: address,
    eventType: z.enum(['START', 'RUNNING', 'COMPLETE', 'ABORT', 'FAIL', 'OTHER']).optional(),
    run: z.looseObject({ runId: z.uuid().transform((id) => id.toLowerCase()), facets }).optional(),
    job: z.looseObject(named).optional(),
    dataset: dataset.optional(),
    inputs: datasets,
    outputs: datasets,
  })
  .superRefine((document, context) => {
    const fault = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (document.run && !document.job) fault('job', 'A RunEvent names the job that the run is of.');
    if (document.dataset && (document.job || document.run)) fault('dataset', 'A DatasetEvent has neither run nor job.');
    if (!document.run && !document.job && !document.dataset) fault('run', 'An event of OpenLineage is of a run and its job, of a dataset, or of a job.');
    const flaw = flawIn(document, 0);
    if (flaw) fault('', flaw);
  });
export type OpenLineageDocument = z.infer<typeof OpenLineageDocument>;
export type SentDataset = z.infer<typeof dataset>;
export type SentFacets = Readonly<Record<string, z.infer<typeof facet>>>;

/** What stands against keeping some of it. */
function flawIn(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0') ? undefined : 'Text has only whole Unicode characters and no null character.';
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth > MOST_DEPTH) return `It is nested deeper than ${MOST_DEPTH} levels.`;
  for (const [key, inner] of Object.entries(value)) {
    const flaw = flawIn(key, depth) ?? flawIn(inner, depth + 1);
    if (flaw) return flaw;
  }
  return undefined;
}

import { z } from 'zod';
import { digest } from '../artefact/artefact.ts';
import { columnName, names, plainText, text } from '../request.ts';
import { MAX_COLUMNS } from './registration.ts';

/** What the parts of a declaration that may be restated later look like. */
const retentionUntil = z.union([z.iso.date(), z.literal('')]);
const piiClasses = z.record(columnName, z.enum(['none', 'personal', 'special'])).refine((classes) => Object.keys(classes).length <= MAX_COLUMNS, `At most ${MAX_COLUMNS} columns.`);

const Anonymisation = z.strictObject({
  method: text(128).min(1),
  parameters: text(500).default(''),
  columns: z.array(columnName).max(MAX_COLUMNS).default([]),
  note: text(2000).default(''),
});

/** All that is said of anonymisation: it has to fit into an event, beside the profile. */
const MOST_CHARACTERS = 64 * 1024;

/** Where data came from that Vitae does not keep: an address, without white space. */
const uri = plainText.min(3).max(2000).regex(/^[A-Za-z][A-Za-z0-9+.-]*:\S+$/, 'An address such as s3://bucket/key or https://example.org/data.');

export const NewDatasetVersion = z.strictObject({
  digest,
  mediaType: z.enum(['text/csv', 'application/jsonl', 'application/vnd.apache.parquet']),
  labelColumn: columnName.optional(),
  splitColumn: columnName.optional(),
  protectedColumns: names(16).default([]),
  piiClasses: piiClasses.default({}),
  lawfulBasis: text(200).default(''),
  allowedPurposes: names(32).default([]),
  residency: text(64).default(''),
  retentionUntil: retentionUntil.default(''),
  source: text(2000).min(1),
  licence: text(200).min(1),
  labellingNotes: text(10_000).default(''),
  anonymisations: z.array(Anonymisation).max(32).refine((list) => JSON.stringify(list).length <= MOST_CHARACTERS, `At most ${MOST_CHARACTERS} characters in all.`).default([]),
  derivedFrom: z
    .strictObject({
      datasetVersionIds: z.array(z.uuid()).max(64).refine((list) => new Set(list).size === list.length, 'Name each only once.').default([]),
      uris: z.array(uri).max(64).refine((list) => new Set(list).size === list.length, 'Name each only once.').default([]),
    })
    .default({ datasetVersionIds: [], uris: [] }),
});

export const NewClasses = z.strictObject({
  classes: piiClasses.refine((classes) => Object.keys(classes).length > 0, 'Name at least one column.'),
  lawfulBasis: text(200).optional(),
  allowedPurposes: names(32).optional(),
  residency: text(64).optional(),
  retentionUntil: retentionUntil.optional(),
});

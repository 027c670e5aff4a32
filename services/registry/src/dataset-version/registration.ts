import { create } from '@bufbuild/protobuf';
import { AnonymisationSchema, ColumnKind, ColumnProfileSchema, DatasetVersionRegisteredSchema, PiiClass, PiiSuggestionSchema, type ColumnProfile, type DatasetVersionRegistered } from '@vitae/contracts';
import { strictestOf, type PiiClassName, PII_CLASSES } from './pii-class.ts';
import { refuse } from './refusals.ts';
import type { Suggestion } from './sensitivity/suggest.ts';

/** One column as it was found in the bytes; numbers are of the finite values. */
export interface ColumnContent {
  readonly name: string;
  /** As DuckDB names it, e.g. BIGINT, DOUBLE, VARCHAR. */
  readonly dataType: string;
  readonly kind: 'numeric' | 'categorical';
  readonly nullCount: number;
  readonly distinctCount: number;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly mean?: number | undefined;
  readonly standardDeviation?: number | undefined;
  /** 25 %, 50 %, 75 %; empty when not numeric. */
  readonly quartiles: readonly number[];
  /** Most frequent first. */
  readonly topValues: readonly { readonly value: string; readonly count: number }[];
}

/** What reading the whole file found. */
export interface DatasetContent {
  readonly rowCount: number;
  readonly columns: readonly ColumnContent[];
  /** Rows by the split column's value. Empty when there is no such column. */
  readonly splits: readonly { readonly name: string; readonly rowCount: number }[];
  /** Rows that the split column gives no name. */
  readonly unsplitRows: number;
  /** What looks as if it were about persons. */
  readonly suggestions: readonly Suggestion[];
}

export type MediaType = 'text/csv' | 'application/jsonl' | 'application/vnd.apache.parquet';

/** What the registering person says of the data. */
export interface DatasetDeclaration {
  readonly datasetVersionId: string;
  readonly datasetName: string;
  readonly digest: string;
  readonly mediaType: MediaType;
  readonly labelColumn?: string | undefined;
  readonly splitColumn?: string | undefined;
  readonly protectedColumns: readonly string[];
  /** Columns that are not named are of class none, unless a scan suspects them: then somebody has to confirm that. */
  readonly piiClasses: Readonly<Record<string, PiiClassName>>;
  /** GDPR Art. 6(1) ground; empty when there is none. */
  readonly lawfulBasis: string;
  readonly allowedPurposes: readonly string[];
  readonly residency: string;
  /** Date, or empty. */
  readonly retentionUntil: string;
  readonly source: string;
  readonly licence: string;
  readonly labellingNotes: string;
  readonly anonymisations: readonly { readonly method: string; readonly parameters: string; readonly columns: readonly string[]; readonly note: string }[];
  /** What it was made of: versions of this registry, and sources outside of it. */
  readonly derivedFrom: { readonly datasetVersionIds: readonly string[]; readonly uris: readonly string[] };
}

export interface RegisterDatasetVersion extends DatasetDeclaration {
  readonly type: 'RegisterDatasetVersion';
  readonly version: number;
  readonly sizeBytes: number;
  readonly content: DatasetContent;
}

/** Columns of one version. An event must stay well under a message of the broker (1 MB). */
export const MAX_COLUMNS = 256;
const MAX_SPLITS = 32;
/** Groups of one protected column: finer ones say nothing of a group, and much of single persons. */
const MAX_GROUPS = 50;

export function register(command: RegisterDatasetVersion): DatasetVersionRegistered {
  const { content, piiClasses } = command;
  checkColumns(command);
  checkSplits(command);
  const piiOf = (column: string): PiiClass => PII_CLASSES[piiClasses[column] ?? 'none'];
  const suspected = new Set(content.suggestions.map(({ column }) => column));
  const unconfirmed = (column: string): boolean => suspected.has(column) && !Object.hasOwn(piiClasses, column);
  const piiClass = strictestOf(content.columns.map(({ name }) => piiOf(name)));
  if (piiClass !== PiiClass.NONE && command.lawfulBasis === '') {
    throw refuse('LAWFUL_BASIS_MISSING', `Version ${command.version} of ${command.datasetName} holds personal data and names no lawful basis. Give lawfulBasis, one of the grounds of GDPR Art. 6(1).`);
  }
  return create(DatasetVersionRegisteredSchema, {
    datasetVersionId: command.datasetVersionId,
    datasetName: command.datasetName,
    version: command.version,
    digest: command.digest,
    sizeBytes: BigInt(command.sizeBytes),
    mediaType: command.mediaType,
    rowCount: BigInt(content.rowCount),
    columns: content.columns.map((column) => profileOf(column, piiOf(column.name), unconfirmed(column.name))),
    splits: content.splits.map(({ name, rowCount }) => ({ name, rowCount: BigInt(rowCount) })),
    splitColumn: command.splitColumn ?? '',
    labelColumn: command.labelColumn ?? '',
    protectedColumns: [...command.protectedColumns],
    piiClass,
    lawfulBasis: command.lawfulBasis,
    allowedPurposes: [...command.allowedPurposes],
    residency: command.residency,
    retentionUntil: command.retentionUntil,
    source: command.source,
    licence: command.licence,
    derivedFromDatasetVersionIds: [...command.derivedFrom.datasetVersionIds],
    derivedFromUris: [...command.derivedFrom.uris],
    labellingNotes: command.labellingNotes,
    anonymisations: command.anonymisations.map((one) => create(AnonymisationSchema, { ...one, columns: [...one.columns] })),
    piiSuggestions: content.suggestions.map(({ piiClass: suggested, ...evidence }) => create(PiiSuggestionSchema, { ...evidence, piiClass: PII_CLASSES[suggested] })),
  });
}

function checkColumns({ content, labelColumn, splitColumn, protectedColumns, piiClasses, anonymisations }: RegisterDatasetVersion): void {
  const columns = new Map(content.columns.map((column) => [column.name, column]));
  const named = [labelColumn, splitColumn, ...protectedColumns, ...Object.keys(piiClasses), ...anonymisations.flatMap(({ columns: changed }) => changed)].filter((name) => name !== undefined);
  const unknown = [...new Set(named.filter((name) => !columns.has(name)))];
  if (unknown.length > 0) {
    throw refuse('COLUMN_UNKNOWN', `The data have no column named ${unknown.join(', ')}. Its columns are ${content.columns.map(({ name }) => name).join(', ')}.`);
  }
  if (labelColumn !== undefined && (labelColumn === splitColumn || protectedColumns.includes(labelColumn))) {
    throw refuse('COLUMN_ROLES_CLASH', `The column ${labelColumn} is the label, so it can be neither the split column nor a protected one. Name another column.`);
  }
  for (const name of protectedColumns) {
    const distinct = columns.get(name)?.distinctCount ?? 0;
    if (distinct > MAX_GROUPS) {
      throw refuse('PROTECTED_COLUMN_TOO_FINE', `The column ${name} has ${distinct} different values; fairness is measured for at most ${MAX_GROUPS} groups of a column. Add a column with coarser groups, such as age bands, and name that.`);
    }
  }
}

function checkSplits({ content: { splits, unsplitRows }, splitColumn }: RegisterDatasetVersion): void {
  if (splitColumn === undefined) return;
  if (unsplitRows > 0) throw refuse('SPLIT_UNUSABLE', `The split column ${splitColumn} is empty in ${unsplitRows} rows. Give each row a split.`);
  if (splits.length > MAX_SPLITS) throw refuse('SPLIT_UNUSABLE', `The split column ${splitColumn} has ${splits.length} different values; at most ${MAX_SPLITS} make sense as splits. Name the column that says train or test.`);
}

/** How many rows a value of a personal column needs before it may stand in the ledger. */
export const CROWD = 10;

/**
 * An event cannot be taken back, so it must never hold what only a few persons have: not their value, not the extremes. What
 * a scan suspects counts as personal until somebody says that it is not.
 */
function profileOf(column: ColumnContent, piiClass: PiiClass, piiUnconfirmed: boolean): ColumnProfile {
  const personal = piiClass !== PiiClass.NONE || piiUnconfirmed;
  const { minimum, maximum, topValues, ...rest } = column;
  return create(ColumnProfileSchema, {
    ...rest,
    kind: column.kind === 'numeric' ? ColumnKind.NUMERIC : ColumnKind.CATEGORICAL,
    nullCount: BigInt(column.nullCount),
    distinctCount: BigInt(column.distinctCount),
    quartiles: [...column.quartiles],
    ...(personal ? {} : { minimum, maximum }),
    topValues: topValues.filter(({ count }) => !personal || count >= CROWD).map(({ value, count }) => ({ value, count: BigInt(count) })),
    piiClass,
    piiUnconfirmed,
  });
}

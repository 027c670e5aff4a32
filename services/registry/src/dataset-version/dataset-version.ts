import { create } from '@bufbuild/protobuf';
import { ColumnKind, ColumnProfileSchema, DatasetVersionRegisteredSchema, PiiClass, type ColumnProfile, type DatasetVersionRegistered } from '@vitae/contracts';
import { Refused, type Decider, type RefusalStatus } from '@vitae/event-store';

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
}

export const PII_CLASSES = { none: PiiClass.NONE, personal: PiiClass.PERSONAL, special: PiiClass.SPECIAL } as const;
export type PiiClassName = keyof typeof PII_CLASSES;

/** What the registering person says of the data. */
export interface DatasetDeclaration {
  readonly datasetVersionId: string;
  readonly datasetName: string;
  readonly digest: string;
  readonly mediaType: 'text/csv' | 'application/vnd.apache.parquet';
  readonly labelColumn?: string | undefined;
  readonly splitColumn?: string | undefined;
  readonly protectedColumns: readonly string[];
  /** Columns that are not named are of class none. */
  readonly piiClasses: Readonly<Record<string, PiiClassName>>;
  /** GDPR Art. 6(1) ground; empty when there is none. */
  readonly lawfulBasis: string;
  readonly allowedPurposes: readonly string[];
  readonly residency: string;
  /** Date, or empty. */
  readonly retentionUntil: string;
  readonly source: string;
  readonly licence: string;
}

export interface RegisterDatasetVersion extends DatasetDeclaration {
  readonly type: 'RegisterDatasetVersion';
  readonly version: number;
  readonly sizeBytes: number;
  readonly content: DatasetContent;
}

export type DatasetVersionRefusal =
  | 'COLUMN_UNKNOWN'
  | 'COLUMN_ROLES_CLASH'
  | 'DATASET_TOO_LARGE'
  | 'DATASET_TOO_WIDE'
  | 'DATASET_UNREADABLE'
  | 'DATASET_VERSION_EXISTS'
  | 'DATASET_VERSION_NOT_FOUND'
  | 'LAWFUL_BASIS_MISSING'
  | 'PROTECTED_COLUMN_TOO_FINE'
  | 'SPLIT_UNUSABLE';

/** A dataset's refusal; its status is 422 unless it says otherwise. */
export const refuse = (reason: DatasetVersionRefusal, message: string, status: RefusalStatus = 422): Refused => new Refused(reason, message, status);

/** Columns of one version. An event must stay well under a message of the broker (1 MB). */
export const MAX_COLUMNS = 256;
const MAX_SPLITS = 32;
/** Groups of one protected column: finer ones say nothing of a group, and much of single persons. */
const MAX_GROUPS = 50;

type State = 'none' | 'registered';

/**
 * A version of a dataset: bytes that never change, with what was found in them and what is said of them.
 *
 *   none ── RegisterDatasetVersion ──► registered
 */
export const datasetVersion: Decider<State, RegisterDatasetVersion, DatasetVersionRegistered> = {
  category: 'registry.DatasetVersion',
  initial: 'none',
  decide: (command, state) => (state === 'registered' ? [] : [register(command)]),
  evolve: () => 'registered',
};

function register(command: RegisterDatasetVersion): DatasetVersionRegistered {
  const { content, piiClasses } = command;
  checkColumns(command);
  checkSplits(command);
  const piiOf = (column: string): PiiClass => PII_CLASSES[piiClasses[column] ?? 'none'];
  const piiClass = content.columns.reduce<PiiClass>((strictest, { name }) => Math.max(strictest, piiOf(name)), PiiClass.NONE);
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
    columns: content.columns.map((column) => profileOf(column, piiOf(column.name))),
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
  });
}

function checkColumns({ content, labelColumn, splitColumn, protectedColumns, piiClasses }: RegisterDatasetVersion): void {
  const columns = new Map(content.columns.map((column) => [column.name, column]));
  const named = [labelColumn, splitColumn, ...protectedColumns, ...Object.keys(piiClasses)].filter((name) => name !== undefined);
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
const CROWD = 10;

/** An event cannot be taken back, so it must never hold what only a few persons have: not their value, not the extremes. */
function profileOf(column: ColumnContent, piiClass: PiiClass): ColumnProfile {
  const personal = piiClass !== PiiClass.NONE;
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
  });
}

export const datasetVersionExists = (name: string, version: number | undefined, digest: string): Refused =>
  refuse('DATASET_VERSION_EXISTS', `The bytes ${digest} are registered already, as version ${version ?? '?'} of ${name}. Use that version, or upload the changed data.`, 409);

export const datasetVersionNotFound = (named: string): Refused =>
  refuse('DATASET_VERSION_NOT_FOUND', `There is no dataset version ${named} in this project. Register it first: POST …/datasets/<name>/versions.`, 404);

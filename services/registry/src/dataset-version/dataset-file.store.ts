import { open } from 'node:fs/promises';
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { acceptable, csvHeader } from './column-names.ts';
import { refuse, type ColumnContent, type DatasetContent, type DatasetDeclaration } from './dataset-version.ts';

/** A dataset's bytes on this machine. */
export interface DatasetFile {
  /** MUST have been proven against its digest. */
  readonly path: string;
  readonly mediaType: DatasetDeclaration['mediaType'];
}

export interface Workspace {
  /** Where DuckDB may spill to. */
  readonly scratch: string;
  readonly memoryMb: number;
}

/**
 * Reads a whole dataset and says what is in it. A CSV is read twice before anything is believed: once as
 * text, which finds every row that has not exactly the header's fields, and once for the columns' types.
 *
 * @throws Refused DATASET_UNREADABLE (naming the line where one is to blame), DATASET_TOO_WIDE, DATASET_TOO_LARGE.
 */
export async function readContent(file: DatasetFile, splitColumn: string | undefined, workspace: Workspace): Promise<DatasetContent> {
  return withDuckDb(file, workspace, async (duck) => {
    const types = await columnTypes(duck, file);
    await duck.run(`create table content as select * from ${source(file, types)}`);
    const [[rows = 0n] = []] = await rowsOf(duck, 'select count(*) from content');
    const rowCount = Number(rows);
    if (rowCount === 0) throw refuse('DATASET_UNREADABLE', 'The file has column names and no rows. Upload a file with data.');
    const columns: ColumnContent[] = [];
    for (const [name, dataType] of types) columns.push(await profile(duck, name, dataType));
    return { rowCount, columns, ...(await splitsOf(duck, types.has(splitColumn ?? '') ? splitColumn : undefined)) };
  });
}

/** How a value leaves the file: as a JavaScript number, bigint, boolean or string. Null stays null. */
export type CastName = 'DOUBLE' | 'BIGINT' | 'BOOLEAN' | 'VARCHAR';

export interface RowQuery {
  /** The columns wanted, in this order; a column may be asked for twice, differently cast. */
  readonly columns: readonly { readonly name: string; readonly cast: CastName }[];
  /** Types by column, as the profile found them: the file is never guessed at again. */
  readonly types: ReadonlyMap<string, string>;
  /** Only rows whose split column has this value. */
  readonly split?: { readonly column: string; readonly value: string } | undefined;
}

/** Rows of a dataset, in the file's order and in batches, column by column. What is handed out is not kept. */
export async function readRows(file: DatasetFile, query: RowQuery, workspace: Workspace, take: (columns: readonly (readonly DuckDBValue[])[]) => Promise<void>): Promise<void> {
  // Text that looks like a number (01, 1.0) must reach the model as text: where only the text is asked for, it is read as such.
  const types = new Map([...query.types].map(([name, type]) => [name, onlyAsText(query, name) ? 'VARCHAR' : type]));
  const where = query.split ? `where cast(${identifier(query.split.column)} as varchar) = $split` : '';
  const selected = query.columns.map(({ name, cast }, i) => `cast(${identifier(name)} as ${cast}) as c${i}`).join(', ');
  await withDuckDb(file, workspace, async (duck) => {
    const result = await duck.stream(`select ${selected} from ${source(file, types)} ${where}`, query.split ? { split: query.split.value } : {});
    for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) await take(chunk.getColumns());
  });
}

const onlyAsText = ({ columns, split }: RowQuery, name: string): boolean =>
  split?.column !== name && columns.some((column) => column.name === name) && columns.every((column) => column.name !== name || column.cast === 'VARCHAR');

/** A DuckDB of its own, that can open this one file and nothing else. */
async function withDuckDb<T>(file: DatasetFile, { scratch, memoryMb }: Workspace, work: (duck: DuckDBConnection) => Promise<T>): Promise<T> {
  const { DuckDBInstance } = await import('@duckdb/node-api'); // 70 MB that a service without datasets need not hold
  const database = await DuckDBInstance.create(':memory:', { memory_limit: `${memoryMb}MB`, temp_directory: scratch, threads: '2' });
  try {
    const duck = await database.connect();
    try {
      await duck.run(`set allowed_paths = [${literal(file.path)}]`);
      await duck.run('set enable_external_access = false');
      await duck.run('set lock_configuration = true');
      return await work(duck);
    } catch (error) {
      throw readable(error, file);
    } finally {
      duck.closeSync();
    }
  } finally {
    database.closeSync();
  }
}

// Nothing is left to be guessed but the types, and of these only three: what looks like a yes, a no or a date stays the text
// that it is, so that models and monitors meet the values of the file.
const CSV = `header = true, delim = ',', quote = '"', escape = '"', comment = '', compression = 'none', strict_mode = true, null_padding = false, ignore_errors = false`;
const TYPES = `['BIGINT', 'DOUBLE', 'VARCHAR']`;

async function columnTypes(duck: DuckDBConnection, file: DatasetFile): Promise<ReadonlyMap<string, string>> {
  if (file.mediaType !== 'text/csv') {
    const types = await typesOf(duck, `select * from read_parquet(${literal(file.path)})`);
    acceptable([...types.keys()]);
    return types;
  }
  const names = csvHeader(await beginning(file.path));
  await duck.run(`select count(*) from ${source(file, new Map(names.map((name) => [name, 'VARCHAR'])))}`);
  const listed = names.map(literal).join(', ');
  return typesOf(duck, `select * from read_csv(${literal(file.path)}, names = [${listed}], sample_size = -1, auto_type_candidates = ${TYPES}, ${CSV})`);
}

async function typesOf(duck: DuckDBConnection, query: string): Promise<ReadonlyMap<string, string>> {
  const described = await rowsOf(duck, `describe ${query}`);
  return new Map(described.map(([name, type]) => [String(name), String(type)]));
}

function source({ path, mediaType }: DatasetFile, types: ReadonlyMap<string, string>): string {
  if (mediaType !== 'text/csv') return `read_parquet(${literal(path)})`;
  const columns = [...types].map(([name, type]) => `${literal(name)}: ${literal(type)}`).join(', ');
  return `read_csv(${literal(path)}, auto_detect = false, columns = {${columns}}, ${CSV})`;
}

/** Longest first line that is looked for column names, in bytes. */
const HEADER_BYTES = 256 * 1024;

async function beginning(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    return new TextDecoder().decode(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

const NUMERIC = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*)$/;
const TOP_VALUES = 20;
const VALUE_LENGTH = 64;

async function profile(duck: DuckDBConnection, name: string, dataType: string): Promise<ColumnContent> {
  const column = identifier(name);
  const [[nulls = 0n, distinct = 0n] = []] = await rowsOf(duck, `select count(*) - count(${column}), count(distinct ${column}) from content`);
  const found = { name, dataType, nullCount: Number(nulls), distinctCount: Number(distinct) };
  const topValues = async (): Promise<ColumnContent['topValues']> => {
    const rows = await rowsOf(
      duck,
      `select left(cast(${column} as varchar), ${VALUE_LENGTH}) as value, count(*) as n from content where ${column} is not null group by value order by n desc, value limit ${TOP_VALUES}`,
    );
    return rows.map(([value, count]) => ({ value: String(value), count: Number(count) }));
  };
  if (!NUMERIC.test(dataType)) return { ...found, kind: 'categorical', quartiles: [], topValues: await topValues() };
  const [[minimum, maximum, mean, standardDeviation, q1, q2, q3] = []] = await rowsOf(
    duck,
    `select min(x), max(x), avg(x), stddev_samp(x), quantile_cont(x, 0.25), quantile_cont(x, 0.5), quantile_cont(x, 0.75)
     from (select cast(${column} as double) as x from content) where isfinite(x)`,
  );
  return {
    ...found,
    kind: 'numeric',
    minimum: finite(minimum),
    maximum: finite(maximum),
    mean: finite(mean),
    standardDeviation: finite(standardDeviation),
    quartiles: [q1, q2, q3].map(finite).filter((quartile) => quartile !== undefined),
    topValues: found.distinctCount <= TOP_VALUES ? await topValues() : [],
  };
}

async function splitsOf(duck: DuckDBConnection, splitColumn: string | undefined): Promise<Pick<DatasetContent, 'splits' | 'unsplitRows'>> {
  if (splitColumn === undefined) return { splits: [], unsplitRows: 0 };
  const rows = await rowsOf(duck, `select cast(${identifier(splitColumn)} as varchar) as split, count(*) from content group by split order by split`);
  const [named, unnamed] = [rows.filter(([name]) => name !== null && name !== ''), rows.filter(([name]) => name === null || name === '')];
  return {
    splits: named.map(([name, count]) => ({ name: String(name), rowCount: Number(count) })),
    unsplitRows: unnamed.reduce((sum, [, count]) => sum + Number(count), 0),
  };
}

const rowsOf = async (duck: DuckDBConnection, query: string): Promise<DuckDBValue[][]> => (await duck.runAndReadAll(query)).getRows();
const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const finite = (value: DuckDBValue | undefined): number | undefined => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);

/** DuckDB's complaint in our words. Its own quotes the row, which may be somebody's data. */
function readable(error: unknown, { mediaType }: DatasetFile): unknown {
  const { message = '' } = error as { readonly message?: string };
  if (message.startsWith('Out of Memory Error')) {
    return refuse('DATASET_TOO_LARGE', 'Reading the data takes more memory than the operator gives it. Register a smaller file, or ask for a larger VITAE_DATASET_MEMORY_MB.');
  }
  if (!/^(Invalid Input|Conversion|IO|Serialization|Not implemented|Parser|Binder) Error/.test(message)) return error;
  const line = /CSV Error on Line: (\d+)/.exec(message)?.[1];
  const [, expected, found] = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(message) ?? [];
  const fault = expected
    ? `has ${found} ${found === '1' ? 'field' : 'fields'}, and the first line names ${expected} columns`
    : /unterminated quote/.test(message)
      ? 'opens a quote that is never closed'
      : /unicode/.test(message)
        ? 'is not UTF-8'
        : 'cannot be read';
  const what = line ? `Line ${line} of the CSV ${fault}.` : `The bytes cannot be read as ${mediaType}.`;
  const form = mediaType === 'text/csv' ? 'CSV needs a first line with the column names, commas, double quotes and UTF-8 (RFC 4180)' : 'Parquet files are taken as they are written';
  return refuse('DATASET_UNREADABLE', `${what} ${form}. Correct the file and upload it again.`);
}

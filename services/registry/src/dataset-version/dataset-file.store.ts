import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { judge, type Result } from '../dataset/assessment.ts';
import { identifier, literal, questionOf, type Expectation, type Types } from '../dataset/expectation.ts';
import { finite, rowsOf, withDuckDb, type DatasetFile, type Workspace } from './duckdb.store.ts';
import { columnTypes, source } from './file-source.store.ts';
import { profile, splitsOf, suggestions } from './profile.store.ts';
import { refuse } from './refusals.ts';
import type { ColumnContent, DatasetContent } from './registration.ts';
import type { Suggestion } from './sensitivity/suggest.ts';

export type { DatasetFile, Workspace } from './duckdb.store.ts';

/** What is asked of the data besides their profile. */
export interface Asked {
  readonly expectations: readonly Expectation[];
  /** The moment against which ages are told, RFC 3339. */
  readonly now: string;
  /** Whether a column is about persons. */
  readonly personal: (column: string) => boolean;
}

/** Where reading is, in the order in which it comes. */
export type Phase = 'finding columns' | 'loading rows' | 'profiling' | 'assessing';
export type Report = (phase: Phase, share: number, rows?: number) => void;

export interface ReadDataset extends DatasetContent {
  readonly results: readonly Result[];
}

/**
 * Reads a whole dataset and says what is in it. Nothing is believed before the whole file was read once; the types that are
 * found then are stored and never guessed again.
 *
 * @throws Refused DATASET_UNREADABLE (naming the line where one is to blame), DATASET_TOO_WIDE, DATASET_TOO_LARGE.
 */
export async function readContent(
  file: DatasetFile,
  splitColumn: string | undefined,
  workspace: Workspace,
  { asked, report = () => undefined }: { readonly asked?: Asked | undefined; readonly report?: Report | undefined } = {},
): Promise<ReadDataset> {
  let phase: Phase = 'finding columns';
  const enter = (next: Phase, rows?: number): void => {
    workspace.signal?.throwIfAborted();
    report((phase = next), 0, rows);
  };
  return withDuckDb(file, { ...workspace, onShare: (share) => phase !== 'profiling' && report(phase, share) }, async (duck) => {
    enter('finding columns');
    const types = await columnTypes(duck, file);
    enter('loading rows');
    const rowCount = types.size === 0 ? 0 : await load(duck, file, types, [...types.keys()]);
    if (rowCount === 0) throw refuse('DATASET_UNREADABLE', 'The file has column names and no rows. Upload a file with data.');
    enter('profiling', rowCount);
    const columns: ColumnContent[] = [];
    const suspected: Suggestion[] = [];
    for (const [name, dataType] of types) {
      columns.push(await profile(duck, name, dataType));
      suspected.push(...(await suggestions(duck, name)));
      workspace.signal?.throwIfAborted();
      report('profiling', columns.length / types.size, rowCount);
    }
    const splits = await splitsOf(duck, types.has(splitColumn ?? '') ? splitColumn : undefined);
    if (asked) enter('assessing', rowCount);
    const results = asked ? await held(duck, types, asked, new Set(suspected.map(({ column }) => column))) : [];
    return { rowCount, columns, ...splits, suggestions: suspected, results };
  });
}

/** Holds the whole file against what is expected of it. */
export async function assess(file: DatasetFile, types: Types, asked: Asked, workspace: Workspace): Promise<readonly Result[]> {
  return withDuckDb(file, workspace, async (duck) => {
    const wanted = [...new Set(asked.expectations.flatMap(({ columns }) => columns))].filter((name) => types.has(name));
    await load(duck, file, types, wanted.length > 0 ? wanted : [...types.keys()].slice(0, 1));
    return held(duck, types, asked, new Set());
  });
}

async function load(duck: DuckDBConnection, file: DatasetFile, types: Types, columns: readonly string[]): Promise<number> {
  await duck.run(`create table content as select ${columns.map(identifier).join(', ')} from ${source(file, types)}`);
  const [[rows = 0n] = []] = await rowsOf(duck, 'select count(*) from content');
  return Number(rows);
}

async function held(duck: DuckDBConnection, types: Types, { expectations, now, personal }: Asked, suspected: ReadonlySet<string>): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const expectation of expectations) {
    const about = expectation.columns.some((name) => personal(name) || suspected.has(name));
    const question = questionOf(expectation, types, now);
    if ('fault' in question) results.push(judge(expectation, question, about));
    else if ('holds' in question) results.push(judge(expectation, { checked: 0, failing: 0 }, about));
    else {
      const [[checked = 0n, failing = 0n, observed] = []] = await rowsOf(duck, question.sql);
      results.push(judge(expectation, { checked: Number(checked), failing: Number(failing), observed: finite(observed) }, about));
    }
  }
  return results;
}

/** What DuckDB says against regular expressions, by the expectation's name; empty when they can all be asked. */
export async function faultyPatterns(expectations: readonly Expectation[], scratch: string): Promise<ReadonlyMap<string, string>> {
  const faults = new Map<string, string>();
  const patterns = expectations.filter(({ kind }) => kind === 'matches');
  if (patterns.length === 0) return faults;
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const database = await DuckDBInstance.create(':memory:', { memory_limit: '128MB', temp_directory: scratch, threads: '1', enable_external_access: 'false' });
  const duck = await database.connect();
  try {
    for (const { name, pattern } of patterns) {
      await duck.run(`select regexp_full_match(v, ${literal(pattern)}) from (values ('a')) as t (v)`).catch((error: { readonly message?: string }) => faults.set(name, /Error: ([^\n]{0,200})/.exec(error.message ?? '')?.[1] ?? 'its pattern is no regular expression'));
    }
  } finally {
    duck.closeSync();
    database.closeSync();
  }
  return faults;
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

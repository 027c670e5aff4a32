import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { literal } from '../dataset/expectation.ts';
import type { MediaType } from './registration.ts';
import { refuse } from './refusals.ts';

/** A dataset's bytes on this machine. */
export interface DatasetFile {
  /** MUST have been proven against its digest. */
  readonly path: string;
  readonly mediaType: MediaType;
}

export interface Workspace {
  /** Where DuckDB may spill to. */
  readonly scratch: string;
  readonly memoryMb: number;
  /** How much it may spill, in megabytes. */
  readonly spillMb?: number;
  /** Hears of each query how far DuckDB believes it is, 0 to 1. */
  readonly onShare?: (share: number) => void;
  /** Breaks the query off that is running. */
  readonly signal?: AbortSignal | undefined;
}

/** How often a running query is asked how far it is. */
const ASK_MS = 500;

/** A DuckDB of its own, that can open this one file and nothing else; memory and what it spills are bounded. */
export async function withDuckDb<T>(file: DatasetFile, { scratch, memoryMb, spillMb = 16 * memoryMb, onShare, signal }: Workspace, work: (duck: DuckDBConnection) => Promise<T>): Promise<T> {
  const { DuckDBInstance } = await import('@duckdb/node-api'); // 70 MB that a service without datasets need not hold
  const database = await DuckDBInstance.create(':memory:', { memory_limit: `${memoryMb}MB`, temp_directory: scratch, threads: '2' });
  let asking: NodeJS.Timeout | undefined;
  try {
    const duck = await database.connect();
    const breakOff = (): void => duck.interrupt();
    try {
      signal?.throwIfAborted();
      signal?.addEventListener('abort', breakOff);
      await duck.run(`set max_temp_directory_size = '${spillMb}MB'`); // given when it is opened, it is shown and not kept to
      await duck.run('set enable_progress_bar = true');
      await duck.run('set enable_progress_bar_print = false');
      await duck.run(`set allowed_paths = [${literal(file.path)}]`);
      await duck.run('set enable_external_access = false');
      await duck.run('set lock_configuration = true');
      if (onShare) asking = setInterval(() => onShare(Math.max(0, duck.progress.percentage) / 100), ASK_MS);
      return await work(duck);
    } catch (error) {
      throw readable(error, file);
    } finally {
      clearInterval(asking);
      signal?.removeEventListener('abort', breakOff);
      duck.closeSync();
    }
  } finally {
    database.closeSync();
  }
}

export const rowsOf = async (duck: DuckDBConnection, query: string): Promise<DuckDBValue[][]> => (await duck.runAndReadAll(query)).getRows();
export const finite = (value: DuckDBValue | undefined): number | undefined => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);

const FORMS: Readonly<Record<MediaType, string>> = {
  'text/csv': 'CSV needs a first line with the column names, commas, double quotes and UTF-8 (RFC 4180)',
  'application/jsonl': 'JSON lines have one JSON object in each line, each of its keys once, in UTF-8',
  'application/vnd.apache.parquet': 'Parquet files are taken as they are written',
};

/** DuckDB's complaint in our words. Its own quotes the row, which may be somebody's data. */
function readable(error: unknown, { mediaType }: DatasetFile): unknown {
  const { message = '' } = error as { readonly message?: string };
  if (message.startsWith('Out of Memory Error')) {
    return refuse('DATASET_TOO_LARGE', 'Reading the data takes more memory than the operator gives it. Register a smaller file, or ask for a larger VITAE_DATASET_MEMORY_MB.');
  }
  if (!/^(Invalid Input|Invalid|Conversion|IO|Serialization|Not implemented|Parser|Binder) Error/.test(message)) return error;
  const what = mediaType === 'application/jsonl' ? jsonFault(message) : csvFault(message);
  return refuse('DATASET_UNREADABLE', `${what ?? `The bytes cannot be read as ${mediaType}.`} ${FORMS[mediaType]}. Correct the file and upload it again.`);
}

function csvFault(message: string): string | undefined {
  const line = /CSV Error on Line: (\d+)/.exec(message)?.[1];
  if (line === undefined) return undefined;
  const [, expected, found] = /Expected Number of Columns: (\d+) Found: (\d+)/.exec(message) ?? [];
  const fault = expected
    ? `has ${found} ${found === '1' ? 'field' : 'fields'}, and the first line names ${expected} columns`
    : /unterminated quote/.test(message)
      ? 'opens a quote that is never closed'
      : /unicode/.test(message)
        ? 'is not UTF-8'
        : 'cannot be read';
  return `Line ${line} of the CSV ${fault}.`;
}

function jsonFault(message: string): string | undefined {
  const line = /in line (\d+)/.exec(message)?.[1];
  return line === undefined ? undefined : `Line ${line} of the JSON lines ${/duplicate key/.test(message) ? 'has a key twice' : 'is no JSON'}.`;
}

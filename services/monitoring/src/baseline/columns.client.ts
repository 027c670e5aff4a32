import { dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetVersion } from '../lifecycle/dataset-versions.view.ts';
import type { Column } from './fitting.ts';

/**
 * Reads the columns that can be features (neither label nor split) out of a CSV, JSON lines or Parquet file with DuckDB, which is
 * loaded when it is first needed. What the registry profiled as a number is read as one and the rest as the text that
 * it is: nothing is guessed, so that the bins meet the values that models meet.
 *
 * @param path DuckDB can open this file and no other; it may spill beside it.
 * @param split rows of this split only; '' for all.
 */
export async function readColumns(path: string, dataset: DatasetVersion, split: string): Promise<{ columns: Column[]; rowCount: number }> {
  const { DuckDBInstance } = await import('@duckdb/node-api'); // 70 MB that are not needed for as long as nobody makes a baseline
  const database = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '512MB', temp_directory: dirname(path) });
  try {
    const duck = await database.connect();
    await duck.run(`set allowed_paths = [${literal(path)}]`);
    await duck.run('set enable_external_access = false');
    const rows = split === '' ? '' : ` where cast(${identifier(dataset.splitColumn)} as varchar) = ${literal(split)}`;
    await duck.run(`create table reference as select * from ${source(path, dataset)}${rows}`);

    const [rowCount = 0n] = await valuesOf<bigint>(duck, 'count(*)');
    const columns: Column[] = [];
    for (const { name, kind } of dataset.columns) {
      if (name === dataset.labelColumn || name === dataset.splitColumn) continue;
      const column = identifier(name);
      columns.push(
        kind === 'numeric'
          ? { name, kind, values: await valuesOf<number | null>(duck, `cast(${column} as double)`) }
          : { name, kind, values: await valuesOf<string | null>(duck, `cast(${column} as varchar)`) },
      );
    }
    return { columns, rowCount: Number(rowCount) };
  } finally {
    database.closeSync();
  }
}

/** As the registry reads CSV, so that what it could profile can be read here. */
const CSV = `auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', comment = '', compression = 'none', strict_mode = true`;

function source(path: string, { mediaType, columns }: DatasetVersion): string {
  if (mediaType !== 'text/csv' && mediaType !== 'application/jsonl') return `read_parquet(${literal(path)})`;
  const types = columns.map(({ name, kind }) => `${literal(name)}: ${kind === 'numeric' ? "'DOUBLE'" : "'VARCHAR'"}`);
  if (mediaType === 'application/jsonl') return `read_json(${literal(path)}, format = 'newline_delimited', columns = {${types.join(', ')}}, compression = 'uncompressed')`;
  return `read_csv(${literal(path)}, columns = {${types.join(', ')}}, ${CSV})`;
}

async function valuesOf<T>(duck: DuckDBConnection, expression: string): Promise<T[]> {
  const reader = await duck.runAndReadAll(`select ${expression} from reference`);
  return (reader.getColumns()[0] ?? []) as T[]; // DuckDB's own types say only "a value"
}

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

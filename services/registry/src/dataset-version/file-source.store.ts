import { open } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { contentOf } from '../artefact/content.ts';
import { identifier, literal } from '../dataset/expectation.ts';
import { acceptable, csvHeader } from './column-names.ts';
import { rowsOf, type DatasetFile } from './duckdb.store.ts';
import { brokenLine, lineGuard, MAX_LINE_BYTES, mixedColumn, typeOfValues } from './json-lines.ts';
import { refuse } from './refusals.ts';

// How the bytes of each form become a table for DuckDB: which columns with which types, and the text of the source.

// Nothing is left to be guessed but the types, and of these only three: what looks like a yes, a no or a date stays the text
// that it is, so that models and monitors meet the values of the file.
// Small buffers: the usual ones are 32 MB each, and are taken before the first row is kept.
const CSV = `buffer_size = 8388608, header = true, delim = ',', quote = '"', escape = '"', comment = '', compression = 'none', strict_mode = true, null_padding = false, ignore_errors = false`;
const TYPES = `['BIGINT', 'DOUBLE', 'VARCHAR']`;
const JSON_LINES = `compression = 'uncompressed', maximum_object_size = ${MAX_LINE_BYTES + 1024}`;

/** Rows of one Parquet file: a small file can claim any number of equal ones. */
const MAX_ROWS = 200_000_000;
/** Longest first line that is looked for column names, in bytes. */
const HEADER_BYTES = 256 * 1024;

/** `{ types }` are what was found once: the file is never guessed at again. */
export function source({ path, mediaType }: DatasetFile, types: ReadonlyMap<string, string>): string {
  const columns = (): string => [...types].map(([name, type]) => `${literal(name)}: ${literal(type)}`).join(', ');
  switch (mediaType) {
    case 'application/vnd.apache.parquet':
      return `read_parquet(${literal(path)})`;
    case 'application/jsonl':
      return `read_json(${literal(path)}, format = 'newline_delimited', columns = {${columns()}}, ${JSON_LINES})`;
    case 'text/csv':
      return `read_csv(${literal(path)}, auto_detect = false, columns = {${columns()}}, ${CSV})`;
  }
}

/** @throws Refused DATASET_UNREADABLE, DATASET_TOO_WIDE, DATASET_TOO_LARGE. */
export async function columnTypes(duck: DuckDBConnection, file: DatasetFile): Promise<ReadonlyMap<string, string>> {
  await isWhatItSays(file);
  switch (file.mediaType) {
    case 'application/vnd.apache.parquet':
      return parquetTypes(duck, file);
    case 'application/jsonl':
      return jsonTypes(duck, file);
    case 'text/csv':
      return csvTypes(duck, file);
  }
}

/** As text first, which finds every row that has not exactly the header's fields, and then for the types. */
async function csvTypes(duck: DuckDBConnection, file: DatasetFile): Promise<ReadonlyMap<string, string>> {
  const names = csvHeader(new TextDecoder().decode(await beginning(file.path)));
  await duck.run(`select count(*) from ${source(file, new Map(names.map((name) => [name, 'VARCHAR'])))}`);
  return described(duck, `select * from read_csv(${literal(file.path)}, names = [${names.map(literal).join(', ')}], sample_size = -1, auto_type_candidates = ${TYPES}, ${CSV})`);
}

async function parquetTypes(duck: DuckDBConnection, file: DatasetFile): Promise<ReadonlyMap<string, string>> {
  const types = await described(duck, `select * from ${source(file, new Map())}`);
  acceptable([...types.keys()]);
  const [[rows = 0n] = []] = await rowsOf(duck, `select count(*) from ${source(file, new Map())}`); // out of the footer
  if (Number(rows) > MAX_ROWS) throw refuse('DATASET_TOO_LARGE', `The file says that it has ${rows} rows; a version has at most ${MAX_ROWS}. Register a smaller file.`);
  return types;
}

/** Keys in the order in which they first come; a key that a row has not is null there. */
async function jsonTypes(duck: DuckDBConnection, file: DatasetFile): Promise<ReadonlyMap<string, string>> {
  await guardLines(file.path);
  const lists = await rowsOf(
    duck,
    `select array_to_string(list_transform(keys, lambda key: to_json(key)), ',') from (
       select json_keys(json) as keys, row_number() over () as n from read_ndjson_objects(${literal(file.path)}, ${JSON_LINES})
     ) group by keys order by min(n) limit 10000`,
  ).catch(async (error: unknown) => {
    throw /Malformed JSON/.test(String((error as Error).message)) ? brokenLine(await firstBrokenLine(file.path)) : error; // DuckDB is a line off
  });
  const names = acceptable([...new Set(lists.flatMap(([keys]) => JSON.parse(`[${String(keys)}]`) as string[]))]);
  if (names.length === 0) return new Map();
  const whole = source(file, new Map(names.map((name) => [name, 'JSON'])));
  const kinds = await rowsOf(duck, `select ${names.flatMap(kindsOf).join(', ')} from ${whole}`);
  const types = new Map<string, string>();
  for (const [i, name] of names.entries()) {
    const found = String(kinds[0]?.[2 * i] ?? '').split(',').filter((kind) => kind !== '');
    const type = typeOfValues(found, kinds[0]?.[2 * i + 1] === true);
    if (type === undefined) throw mixedColumn(name, await firstsOf(duck, whole, name));
    types.set(name, type);
  }
  return types;
}

/** Which kinds of values a column has, and whether a whole number is beyond BIGINT. */
function kindsOf(name: string): readonly [string, string] {
  const kind = `json_type(${identifier(name)})`;
  return [
    `coalesce(array_to_string(map_keys(histogram(${kind})), ','), '')`,
    `max(case when ${kind} = 'UBIGINT' then cast(cast(${identifier(name)} as varchar) as ubigint) end) > 9223372036854775807`,
  ];
}

async function firstsOf(duck: DuckDBConnection, whole: string, name: string): Promise<{ kind: string; line: number }[]> {
  const rows = await rowsOf(duck, `select kind, min(n) from (select json_type(${identifier(name)}) as kind, row_number() over () as n from ${whole}) where kind is not null and kind <> 'NULL' group by kind order by min(n)`);
  return rows.map(([kind, line]) => ({ kind: String(kind), line: Number(line) }));
}

async function described(duck: DuckDBConnection, query: string): Promise<ReadonlyMap<string, string>> {
  return new Map((await rowsOf(duck, `describe ${query}`)).map(([name, type]) => [String(name), String(type)]));
}

/** Kinds of bytes that are never a text, by what they are called. */
const NO_TEXT: ReadonlySet<string> = new Set(['zip', 'gzip', 'bzip2', 'xz', 'zstd', 'lz4', '7z', 'rar', 'tar', 'parquet', 'pdf', 'png', 'jpeg', 'hdf5', 'npy']);

/** Said before DuckDB stumbles over it, and before anything is unpacked: nothing ever is. */
async function isWhatItSays({ path, mediaType }: DatasetFile): Promise<void> {
  const { content } = contentOf('rows', await beginning(path), new Uint8Array());
  if (!NO_TEXT.has(content) || (content === 'parquet' && mediaType === 'application/vnd.apache.parquet')) return;
  throw refuse('DATASET_UNREADABLE', `The bytes are ${content}, and were said to be ${mediaType}. Compressed files and archives are not read: upload the data themselves, with the media type that they have.`);
}

async function guardLines(path: string): Promise<void> {
  const guard = lineGuard();
  const handle = await open(path, 'r');
  try {
    for await (const chunk of handle.createReadStream({ highWaterMark: 1024 * 1024, autoClose: false })) guard(chunk as Buffer);
  } finally {
    await handle.close();
  }
}

/** 0 when every line is JSON after all. */
async function firstBrokenLine(path: string): Promise<number> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let number = 0;
  const handle = await open(path, 'r');
  try {
    for await (const line of handle.readLines({ encoding: 'latin1', autoClose: false })) {
      number += 1;
      try {
        const text = decoder.decode(Buffer.from(line, 'latin1'));
        if (text.trim() !== '') JSON.parse(text);
      } catch {
        return number; // no UTF-8, or no JSON
      }
    }
    return 0;
  } finally {
    await handle.close();
  }
}

async function beginning(path: string): Promise<Uint8Array> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

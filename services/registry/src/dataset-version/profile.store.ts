import type { DuckDBConnection } from '@duckdb/node-api';
import { identifier, NUMERIC } from '../dataset/expectation.ts';
import { finite, rowsOf } from './duckdb.store.ts';
import type { ColumnContent, DatasetContent } from './registration.ts';
import { SAMPLED_CHARACTERS, SAMPLED_VALUES, suggest, type Suggestion } from './sensitivity/suggest.ts';

const TOP_VALUES = 20;
const VALUE_LENGTH = 64;
/** Of one column: the strictest say enough, and an event has room for only so many. */
const MOST_SUGGESTIONS = 2;

/** What is in one column of the table `content`. */
export async function profile(duck: DuckDBConnection, name: string, dataType: string): Promise<ColumnContent> {
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

/** What a column looks like: by its name, and by some different values, which are seen here and kept nowhere. */
export async function suggestions(duck: DuckDBConnection, name: string): Promise<readonly Suggestion[]> {
  const column = identifier(name);
  const rows = await rowsOf(
    duck,
    `select distinct left(cast(${column} as varchar), ${SAMPLED_CHARACTERS}) from (select * from (select ${column} from content where ${column} is not null) using sample reservoir(${4 * SAMPLED_VALUES} rows) repeatable (7)) limit ${SAMPLED_VALUES}`,
  );
  return suggest(name, rows.map(([value]) => String(value))).slice(0, MOST_SUGGESTIONS);
}

export async function splitsOf(duck: DuckDBConnection, splitColumn: string | undefined): Promise<Pick<DatasetContent, 'splits' | 'unsplitRows'>> {
  if (splitColumn === undefined) return { splits: [], unsplitRows: 0 };
  const rows = await rowsOf(duck, `select cast(${identifier(splitColumn)} as varchar) as split, count(*) from content group by split order by split`);
  const [named, unnamed] = [rows.filter(([name]) => name !== null && name !== ''), rows.filter(([name]) => name === null || name === '')];
  return {
    splits: named.map(([name, count]) => ({ name: String(name), rowCount: Number(count) })),
    unsplitRows: unnamed.reduce((sum, [, count]) => sum + Number(count), 0),
  };
}

import type { Sql } from '@vitae/event-store';
import { greenOf, quoted } from './green-schema.ts';

/** How a view differs from what the ledger says. */
export interface TableComparison {
  readonly table: string;
  /** Rows as they are now. */
  readonly rows: number;
  /** Rows that the ledger does not lead to, and rows that are missing; a row that differs is in both. */
  readonly unfounded: number;
  readonly missing: number;
  /** The first few of each, as PostgreSQL prints a row. */
  readonly examples: { readonly unfounded: readonly string[]; readonly missing: readonly string[] };
}

const EXAMPLES = 3;

/** Compares the tables row by row, in the snapshot of the transaction that `sql` is in. Rows as text: json has no equality. */
export async function compareTables(sql: Sql, schema: string, tables: readonly string[]): Promise<readonly TableComparison[]> {
  const compared: TableComparison[] = [];
  for (const table of tables) {
    const [blue, green] = [schema, greenOf(schema)].map((name) => `select t::text as row from ${quoted(name)}.${quoted(table)} t`);
    const only = (these: string | undefined, others: string | undefined) =>
      sql.query<{ n: string; examples: string[] | null }>(`with d as (${these} except all ${others}) select count(*) as n, (select array_agg(row) from (select row from d order by row limit ${EXAMPLES}) f) as examples from d`);
    const [rows] = await sql.query<{ n: string }>(`select count(*) as n from ${quoted(schema)}.${quoted(table)}`);
    const [unfounded] = await only(blue, green);
    const [missing] = await only(green, blue);
    compared.push({
      table,
      rows: Number(rows?.n),
      unfounded: Number(unfounded?.n),
      missing: Number(missing?.n),
      examples: { unfounded: unfounded?.examples ?? [], missing: missing?.examples ?? [] },
    });
  }
  return compared;
}

export const differs = ({ unfounded, missing }: TableComparison): boolean => unfounded + missing > 0;

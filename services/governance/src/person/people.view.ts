import type { Sql } from '@vitae/event-store';

export interface PersonItem {
  /** The pseudonym that events name. */
  readonly id: string;
  /** Empty when erased. */
  readonly name: string;
  readonly mail: string;
  readonly erased: boolean;
}

/** Who these pseudonyms are, in order of the pseudonyms; without those that nobody has. */
export const peopleOf = (sql: Sql, ids: readonly string[]): Promise<PersonItem[]> =>
  sql.query<PersonItem>('select id, name, mail, erased_at is not null as erased from access.person where id = any($1) order by id', [ids]);

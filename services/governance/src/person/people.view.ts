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

/** Most people that a search tells. */
const MOST_FOUND = 20;

/** Whose name or mail is this or begins so, in whatever case; whole matches first. Nobody who was erased. */
export const findPeople = (sql: Sql, by: 'name' | 'mail', text: string): Promise<PersonItem[]> =>
  sql.query<PersonItem>(
    `select id, name, mail, false as erased from access.person where erased_at is null and starts_with(lower(${by}), lower($1)) order by lower(${by}) <> lower($1), lower(${by}), id limit ${MOST_FOUND}`,
    [text],
  );

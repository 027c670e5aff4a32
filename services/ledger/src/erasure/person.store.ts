import type { Sql } from '@vitae/event-store';

/**
 * Takes name, mail and accounts of a person away, and leaves the pseudonym: a stranger for ever. In the transaction that
 * reports the erasure, so that there is no report of what was not done. False: the person has no row, or lost it before.
 */
export async function erasePerson(sql: Sql, person: string): Promise<boolean> {
  const [row] = await sql.query<{ erased: boolean }>('select access.erase_person($1) as erased', [person]);
  return row?.erased ?? false;
}

/** Writes the tables anew, as the keyring's: what was changed or deleted shall not lie about in their files. Not in a transaction. */
export async function sweepPeople(sql: Sql): Promise<void> {
  await sql.query('vacuum (full) access.person');
  await sql.query('vacuum (full) access.account');
}

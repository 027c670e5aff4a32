import type { Sql } from '@vitae/event-store';
import type { KeyOwner, WrappedKey } from './tenant-key.ts';

/** A row of keyring.person_key: with its wrapped key, or destroyed. */
export type StoredKey = KeyOwner & ({ readonly live: WrappedKey } | { readonly live?: never });

interface Row {
  readonly key_id: string;
  readonly project_id: string;
  readonly person: string;
  readonly tenant_key_version: number;
  readonly wrapped_key: Buffer | null;
}

const COLUMNS = 'key_id, project_id, person, tenant_key_version, wrapped_key';

const storedKey = ({ key_id: keyId, project_id: projectId, person, tenant_key_version: tenantKeyVersion, wrapped_key: wrapped }: Row): StoredKey => ({
  keyId,
  projectId,
  person,
  ...(wrapped === null ? {} : { live: { tenantKeyVersion, wrapped } }),
});

/** The live key of a person in a project, or undefined. */
export async function findLiveKey(sql: Sql, { projectId, person }: Omit<KeyOwner, 'keyId'>): Promise<StoredKey | undefined> {
  const [row] = await sql.query<Row>(`select ${COLUMNS} from keyring.person_key where project_id = $1 and person = $2 and destroyed_at is null`, [projectId, person]);
  return row && storedKey(row);
}

/** The live key that was made last, of whomever; undefined when there is none. */
export async function findNewestKey(sql: Sql): Promise<StoredKey | undefined> {
  const [row] = await sql.query<Row>(`select ${COLUMNS} from keyring.person_key where destroyed_at is null order by key_id desc limit 1`);
  return row && storedKey(row);
}

/** Stores a new key, unless somebody else was first: there is one live key of a person in a project. */
export async function storeKey(sql: Sql, { keyId, projectId, person }: KeyOwner, { tenantKeyVersion, wrapped }: WrappedKey): Promise<void> {
  await sql.query(
    `insert into keyring.person_key (key_id, project_id, person, tenant_key_version, wrapped_key) values ($1, $2, $3, $4, $5)
     on conflict (project_id, person) where destroyed_at is null do nothing`,
    [keyId, projectId, person, tenantKeyVersion, wrapped],
  );
}

/** Those of the keys that were ever made here, live or destroyed. */
export async function keysById(sql: Sql, keyIds: readonly string[]): Promise<readonly StoredKey[]> {
  const rows = await sql.query<Row>(`select ${COLUMNS} from keyring.person_key where key_id = any($1)`, [keyIds]);
  return rows.map(storedKey);
}

/** All keys of a person, live or destroyed, the oldest first. */
export async function keysOfPerson(sql: Sql, person: string): Promise<readonly StoredKey[]> {
  const rows = await sql.query<Row>(`select ${COLUMNS} from keyring.person_key where person = $1 order by key_id`, [person]);
  return rows.map(storedKey);
}

/**
 * Destroys all live keys of a person, for ever. Returns which keys that erasure destroyed. Repeating it destroys nothing
 * more, also when the person has written, and so got a key, since.
 */
export async function destroyKeys(sql: Sql, person: string, erasureId: string): Promise<readonly string[]> {
  await sql.query(
    `update keyring.person_key set wrapped_key = null, destroyed_at = now(), erasure_id = $2
     where person = $1 and destroyed_at is null and not exists (select from keyring.person_key done where done.erasure_id = $2)`,
    [person, erasureId],
  );
  const rows = await sql.query<{ key_id: string }>('select key_id from keyring.person_key where erasure_id = $1 order by key_id', [erasureId]);
  return rows.map(({ key_id }) => key_id);
}

/**
 * Writes the table anew. PostgreSQL keeps what was changed until something takes its place; the bytes of a destroyed key
 * shall not lie about in the table's file. (They are in its write-ahead log until that is recycled, and in backups.)
 */
export async function sweepKeys(sql: Sql): Promise<void> {
  await sql.query('vacuum (full) keyring.person_key');
}

/** Live keys that an older version of the tenant key wraps. */
export async function keysWrappedBefore(sql: Sql, version: number): Promise<readonly StoredKey[]> {
  const rows = await sql.query<Row>(`select ${COLUMNS} from keyring.person_key where destroyed_at is null and tenant_key_version < $1 order by key_id`, [version]);
  return rows.map(storedKey);
}

/** The same key under another wrapping; nothing when it was destroyed meanwhile. */
export async function storeWrapping(sql: Sql, keyId: string, { tenantKeyVersion, wrapped }: WrappedKey): Promise<void> {
  await sql.query('update keyring.person_key set tenant_key_version = $2, wrapped_key = $3 where key_id = $1 and destroyed_at is null', [keyId, tenantKeyVersion, wrapped]);
}

export async function countKeys(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ n: string }>('select count(*) as n from keyring.person_key');
  return Number(row?.n ?? 0);
}

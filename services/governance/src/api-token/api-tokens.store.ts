import type { RecordedEvent, Sql } from '@vitae/event-store';
import type { ApiTokenEvent } from './api-token.ts';

/** A token as it is told: everything but its secret. */
export interface ApiTokenItem {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly projects: readonly string[];
  readonly permissions: readonly string[];
  readonly state: 'live' | 'expired' | 'revoked';
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly revokedAt: string | null;
  /** Within a minute. */
  readonly lastUsedAt: string | null;
}

/**
 * What the service's checks look at, in the events' own transaction. This is no view: the hash is in no event, so the rows
 * cannot be made again from the ledger. A lost table is lost tokens, and new ones are made.
 */
export async function storeApiTokens(sql: Sql, events: readonly RecordedEvent<ApiTokenEvent>[], secretHash: Buffer | undefined): Promise<void> {
  for (const { event, recordedAt } of events) {
    switch (event.$typeName) {
      case 'vitae.governance.v1.ApiTokenIssued':
        if (!secretHash) throw new Error(`the API token ${event.tokenId} has no secret`);
        await sql.query(
          `insert into access.api_token (id, name, owner, projects, permissions, secret_hash, created_at, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8)`,
          [event.tokenId, event.name, event.owner, event.projects, event.permissions, secretHash, recordedAt, event.expiresAt],
        );
        break;
      case 'vitae.governance.v1.ApiTokenRevoked':
        await sql.query('update access.api_token set revoked_at = $2 where id = $1', [event.tokenId, recordedAt]);
        break;
    }
  }
}

const iso = (column: string): string => `to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
const ITEM = `id, name, owner, projects, permissions,
  case when revoked_at is not null then 'revoked' when expires_at <= now() then 'expired' else 'live' end as state,
  ${iso('created_at')} as "createdAt", ${iso('expires_at')} as "expiresAt", ${iso('revoked_at')} as "revokedAt", ${iso('last_used_at')} as "lastUsedAt"`;

/** One of an owner's tokens, or of anybody's where `owner` is not given. */
export async function findApiToken(sql: Sql, id: string, owner: string | undefined): Promise<ApiTokenItem | undefined> {
  const [found] = await sql.query<ApiTokenItem>(`select ${ITEM} from access.api_token where id = $1 and ($2::text is null or owner = $2)`, [id, owner ?? null]);
  return found;
}

/** A page in order of ids: an owner's, or everybody's where `owner` is not given. */
export async function listApiTokens(sql: Sql, owner: string | undefined, { limit, pageToken }: { readonly limit: number; readonly pageToken?: string | undefined }): Promise<{ readonly items: readonly ApiTokenItem[]; readonly nextPageToken?: string }> {
  const rows = await sql.query<ApiTokenItem>(`select ${ITEM} from access.api_token where id > $1 and ($2::text is null or owner = $2) order by id limit $3`, [pageToken ?? '', owner ?? null, limit + 1]);
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, ...(rows.length > limit && last ? { nextPageToken: last.id } : {}) };
}

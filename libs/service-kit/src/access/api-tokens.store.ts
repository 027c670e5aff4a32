import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sqlOf } from '../database.ts';
import { readApiToken, type ApiTokenKey } from './api-token-text.ts';
import { BriefMemory } from './brief-memory.ts';

/** What an API token is good for. */
export interface ApiTokenGrant {
  readonly id: string;
  /** What events name as the actor. */
  readonly name: string;
  /** The pseudonym of who made it: on whose behalf it acts. */
  readonly owner: string;
  readonly projects: readonly string[];
  readonly permissions: readonly string[];
  readonly expiresAt: Date;
}
export type ApiTokenRefusal = 'malformed' | 'unknown' | 'expired' | 'revoked';
export type ApiTokenCheck = ApiTokenGrant | { readonly refused: ApiTokenRefusal };

/** So long an answer is kept, and so long a revoked token may go on: simple, and the same in every replica. */
export const API_TOKEN_MEMORY_MS = 10_000;
const MOST = 10_000;

/** Checks API tokens in the database. The function that it calls compares; no service can read a hash. */
@Injectable()
export class ApiTokens {
  readonly #memory = new BriefMemory<ApiTokenCheck>(API_TOKEN_MEMORY_MS, MOST);

  constructor(private readonly em: EntityManager) {}

  async check(text: string): Promise<ApiTokenCheck> {
    const key = readApiToken(text);
    if (!key) return { refused: 'malformed' };
    return inTime(await this.#memory.ask(`${key.id} ${key.hash.toString('base64')}`, () => this.#look(key)));
  }

  /** The same, not remembered: for whoever is asked by somebody who remembers. Two memories, one after the other, would keep a revoked token twice as long. */
  async checkNow(text: string): Promise<ApiTokenCheck> {
    const key = readApiToken(text);
    return key ? this.#look(key) : { refused: 'malformed' };
  }

  async #look({ id, hash }: ApiTokenKey): Promise<ApiTokenCheck> {
    interface Row {
      outcome: 'ok' | 'unknown' | 'expired' | 'revoked';
      name: string;
      owner: string;
      projects: string[];
      permissions: string[];
      expires: number;
    }
    const [row] = await sqlOf(this.em.fork({ useContext: false })).query<Row>(
      'select outcome, name, owner, projects, permissions, extract(epoch from expires_at)::float8 * 1000 as expires from access.use_api_token($1, $2)', [id, hash]);
    if (!row) throw new Error('access.use_api_token answered nothing');
    const { outcome, name, owner, projects, permissions, expires } = row;
    return outcome === 'ok' ? { id, name, owner, projects, permissions, expiresAt: new Date(expires) } : { refused: outcome };
  }
}

/** A remembered answer does not outlive the token. */
export const inTime = (check: ApiTokenCheck): ApiTokenCheck => ('refused' in check || check.expiresAt.getTime() > Date.now() ? check : { refused: 'expired' });

import type { BaseConfig } from '../config.ts';
import { z } from 'zod';
import { traceHeaders } from '../trace.ts';
import { Problem } from '../problem.ts';
import { readApiToken } from './api-token-text.ts';
import { API_TOKEN_MEMORY_MS, inTime, type ApiTokenCheck } from './api-tokens.store.ts';
import { BriefMemory } from './brief-memory.ts';
import type { ServiceToken } from './service-token.client.ts';

const Answer = z.union([
  z.object({ active: z.literal(false) }),
  z.object({ active: z.literal(true), sub: z.string(), username: z.string(), owner: z.string(), exp: z.number(), projects: z.array(z.string()), permissions: z.array(z.string()) }),
]);

const PATIENCE = 3_000;
const MOST = 10_000;

/**
 * Checks API tokens for a service without a database: it asks governance (RFC 7662). Answers are kept as long as those from
 * the database, also that a token is good for nothing. Why governance does not tell, so `unknown` stands for all of it.
 */
export class Introspection {
  readonly #memory = new BriefMemory<ApiTokenCheck>(API_TOKEN_MEMORY_MS, MOST);

  constructor(
    private readonly config: Pick<BaseConfig, 'GOVERNANCE_URL'>,
    private readonly serviceToken: Pick<ServiceToken, 'authorizationHeader'>,
  ) {}

  /** @throws Problem 503 introspection-unavailable: whether the token is good cannot be said now, which is no reason to call it bad. */
  async check(text: string): Promise<ApiTokenCheck> {
    const key = readApiToken(text);
    if (!key) return { refused: 'malformed' };
    return inTime(await this.#memory.ask(`${key.id} ${key.hash.toString('base64')}`, () => this.#ask(text)));
  }

  async #ask(text: string): Promise<ApiTokenCheck> {
    try {
      const response = await fetch(`${this.config.GOVERNANCE_URL}/v1/introspect`, {
        method: 'POST',
        headers: { ...traceHeaders(), ...(await this.serviceToken.authorizationHeader()), accept: 'application/json' },
        body: new URLSearchParams({ token: text, token_type_hint: 'access_token' }),
        redirect: 'error',
        signal: AbortSignal.timeout(PATIENCE),
      });
      if (!response.ok) {
        await response.body?.cancel();
        throw new Error(`governance answered ${response.status}`);
      }
      const answer = Answer.parse(await response.json());
      if (!answer.active) return { refused: 'unknown' };
      const { sub: id, username: name, owner, projects, permissions, exp } = answer;
      return { id, name, owner, projects, permissions, expiresAt: new Date(exp * 1_000) };
    } catch (cause) {
      throw new Problem(503, 'introspection-unavailable', 'API tokens cannot be checked', 'The service asks governance whether an API token is good, and governance did not answer. Nothing was done; send the request again.', {
        headers: { 'Retry-After': '2' },
        cause,
      });
    }
  }
}

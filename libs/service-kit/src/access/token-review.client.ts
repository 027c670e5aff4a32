import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { BaseConfig } from '../config.ts';
import { Problem } from '../problem.ts';
import { BriefMemory } from './brief-memory.ts';
import { askCluster, type ClusterSettings } from './workload-issuer.client.ts';
import { judgeReview, TokenReviewAnswer, tokenReview, type WorkloadReview } from './workload-tokens.ts';

export type TokenReviewSettings = ClusterSettings & Pick<BaseConfig, 'VITAE_TOKEN_REVIEW_URL' | 'VITAE_WORKLOAD_AUDIENCE'>;

/** So long an answer is kept: a deleted pod's token may go on for as long. */
const KEEP_MS = 10_000;
const MOST = 1_000;
/** What the API server says when it does not do what it was asked. */
const Failure = z.object({ kind: z.literal('Status'), message: z.string().default('') });

/** Asks the Kubernetes API server whose token it is (TokenReview), which knows of deleted pods and service accounts at once. */
export class TokenReview {
  readonly #memory = new BriefMemory<WorkloadReview>(KEEP_MS, MOST);

  constructor(private readonly settings: TokenReviewSettings) {}

  /** @throws Problem 503 token-review-unavailable: whose token it is cannot be said now. */
  readonly reviewToken = (token: string): Promise<WorkloadReview> =>
    this.#memory.ask(createHash('sha256').update(token).digest('base64'), () => this.#review(token));

  async #review(token: string): Promise<WorkloadReview> {
    const { VITAE_TOKEN_REVIEW_URL: url = '', VITAE_WORKLOAD_AUDIENCE: audience = '' } = this.settings;
    try {
      const { status, text } = await askCluster(this.settings, url, tokenReview(token, audience));
      const answer: unknown = JSON.parse(text);
      if (status < 200 || status > 299) throw new Error(`${url} answered ${status}: ${Failure.safeParse(answer).data?.message.slice(0, 300) ?? ''}`);
      return judgeReview(TokenReviewAnswer.parse(answer), audience);
    } catch (cause) {
      throw new Problem(503, 'token-review-unavailable', 'Tokens of service accounts cannot be checked', 'The service asks the Kubernetes API server whose token it is, and got no answer that it can use. Nothing was done; send the request again.', {
        headers: { 'Retry-After': '2' },
        cause,
      });
    }
  }
}

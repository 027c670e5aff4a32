import { z } from 'zod';

/** Who a pod is: the service account that it runs as, as Kubernetes writes it in a token's `sub`. */
export interface Workload {
  /** `system:serviceaccount:<namespace>:<name>`: what a grant's `subject` names. */
  readonly subject: string;
  readonly namespace: string;
  readonly name: string;
  /** The pod that showed the token, where it is bound to one. */
  readonly pod?: string;
}
export type WorkloadRefusal = 'not-authenticated' | 'audience' | 'not-a-service-account';
export type WorkloadReview = Workload | { readonly refused: WorkloadRefusal };

/** What the API server is asked. */
export const tokenReview = (token: string, audience: string) => ({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences: [audience] } });

export const TokenReviewAnswer = z.object({
  kind: z.literal('TokenReview'),
  status: z.object({
    authenticated: z.boolean().default(false),
    audiences: z.array(z.string()).default([]),
    user: z.object({ username: z.string().default(''), extra: z.record(z.string(), z.array(z.string())).default({}) }).prefault({}),
  }),
});
export type TokenReviewAnswer = z.infer<typeof TokenReviewAnswer>;

/**
 * What the answer means for us. A good token is not enough: it must have been made for this suite. An answer without
 * audiences says that the server did not look at them and that the token is one for the API server itself; whoever holds
 * such a token, any pod by default, would come in with it.
 */
export function judgeReview({ status }: TokenReviewAnswer, audience: string): WorkloadReview {
  if (!status.authenticated) return { refused: 'not-authenticated' };
  if (!status.audiences.includes(audience)) return { refused: 'audience' };
  const workload = workloadOf(status.user.username);
  const [pod] = status.user.extra['authentication.kubernetes.io/pod-name'] ?? [];
  return workload ? { ...workload, ...(pod === undefined ? {} : { pod }) } : { refused: 'not-a-service-account' };
}

/** Of a token's `sub`, from a review or from the claims of a verified token. Undefined: it is no service account's. */
export function workloadOf(subject: string): Workload | undefined {
  const [, namespace, name] = /^system:serviceaccount:([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?):([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)$/.exec(subject) ?? [];
  return namespace === undefined || name === undefined ? undefined : { subject, namespace, name };
}

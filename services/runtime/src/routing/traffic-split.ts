import { murmur3 } from './murmur3.ts';

/** Something that takes a share of the requests. */
export interface Arm {
  /** Any non-negative number; shares are proportional. */
  readonly weight: number;
}

/**
 * Which arm serves a request: always the same for the same id, salt and weights. The salt (the endpoint's
 * id) keeps two endpoints from cutting the same requests off.
 *
 * Arms lie one after the other on a line, so while weight moves from a first to a second arm, a request
 * that went to the second stays there.
 *
 * @returns undefined when no arm has any weight.
 */
export function armFor<A extends Arm>(arms: readonly A[], requestId: string, salt: string): A | undefined {
  const total = arms.reduce((sum, { weight }) => sum + weight, 0);
  let point = (murmur3(`${salt}:${requestId}`) / 2 ** 32) * total;
  return arms.find(({ weight }) => {
    if (point < weight) return true;
    point -= weight;
    return false;
  });
}

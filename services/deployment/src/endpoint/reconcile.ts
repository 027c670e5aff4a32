import type { Share } from './endpoint.ts';

/** A variant that is wished for at an endpoint. */
export interface WishedVariant {
  readonly variantId: string;
  readonly version: number;
  readonly state: 'deploying' | 'ready' | 'failed';
  /** Per cent of the traffic as last recorded in force. */
  readonly weight: number;
  /** It is taken away as soon as it has no traffic. */
  readonly leaving: boolean;
}

/** The endpoint's latest rollout. `weight` is what the candidate should have while it runs. */
export interface WishedRollout {
  readonly rolloutId: string;
  readonly state: 'running' | 'completed' | 'rolled-back';
  readonly stableVariantId: string;
  readonly candidateVariantId: string;
  readonly weight: number;
}

/** What the ledger says of an endpoint. */
export interface Wish {
  /** In the order of their deployment. */
  readonly variants: readonly WishedVariant[];
  readonly rollout: WishedRollout | undefined;
}

/** What the driver says of it; undefined: it does not know the endpoint. */
export type Seen = readonly SeenVariant[] | undefined;
export interface SeenVariant {
  readonly variantId: string;
  readonly state: 'loading' | 'ready' | 'failed';
  readonly reason?: string | undefined;
  readonly weight: number;
}

export type Action =
  | { readonly type: 'apply'; readonly shares: readonly Share[] }
  | { readonly type: 'record-ready'; readonly variantId: string }
  | { readonly type: 'record-failure'; readonly variantId: string; readonly reason: string }
  | { readonly type: 'record-traffic'; readonly shares: readonly Share[]; readonly rolloutId: string }
  | { readonly type: 'record-removal'; readonly variantId: string };

/**
 * What is to be done so that wish, ledger and driver come to agree. It looks at what is, never at what was done: after
 * a crash at any point the next look finds the same gap, or none.
 *
 *   seen ready, failed, serving by other weights, gone   ──► recorded (in this order)
 *   driver has other variants or weights than it should  ──► applied: all of them at once
 *
 * Traffic moves only to variants that were seen ready, and away from a variant before it is taken away.
 */
export function reconcile(wish: Wish, seen: Seen): Action[] {
  return [...record(wish, seen), ...apply(wish, seen)];
}

function record({ variants, rollout }: Wish, seen: Seen): Action[] {
  const actions: Action[] = [];
  if (!seen) return actions;
  for (const { variantId, state } of variants) {
    const now = seen.find((one) => one.variantId === variantId);
    if (now?.state === 'ready' && state !== 'ready') actions.push({ type: 'record-ready', variantId });
    if (now?.state === 'failed' && state !== 'failed') actions.push({ type: 'record-failure', variantId, reason: now.reason ?? 'the driver gave no reason' });
  }
  const inForce = seen.filter(({ weight }) => weight > 0);
  const serves = inForce.length > 0 && inForce.every(({ variantId, state }) => state === 'ready' && variants.some((variant) => variant.variantId === variantId));
  if (serves && variants.some(({ variantId, weight }) => shareOf(seen, variantId) !== weight)) {
    const shares = inForce.map(({ variantId, weight }) => ({ variantId, weight }));
    actions.push({ type: 'record-traffic', shares, rolloutId: rollout?.rolloutId ?? '' });
  }
  for (const { variantId, leaving, weight } of variants) {
    if (leaving && weight === 0 && !seen.some((one) => one.variantId === variantId)) actions.push({ type: 'record-removal', variantId });
  }
  return actions;
}

function apply(wish: Wish, seen: Seen): Action[] {
  // A variant that failed without traffic, or leaves and has none left, is nothing to load any more.
  const wanted = wish.variants.filter(({ state, leaving, weight }) => weight > 0 || (state !== 'failed' && !leaving));
  const target = split(wish, seen);
  const reachable = target.every(({ variantId }) => isReady(seen, variantId));
  const shares = wanted.map(({ variantId, weight }) => ({ variantId, weight: reachable ? shareOf(target, variantId) : weight }));
  const differs = shares.length !== (seen?.length ?? 0) || shares.some(({ variantId, weight }) => seen?.find((one) => one.variantId === variantId)?.weight !== weight);
  return differs ? [{ type: 'apply', shares }] : [];
}

/** Who should have how much: by the latest rollout; before the first one, whoever serves, else the first that is ready. */
function split({ variants, rollout }: Wish, seen: Seen): Share[] {
  const there = (id: string): boolean => variants.some(({ variantId }) => variantId === id);
  if (rollout?.state === 'running') {
    return [
      { variantId: rollout.stableVariantId, weight: 100 - rollout.weight },
      { variantId: rollout.candidateVariantId, weight: rollout.weight },
    ].filter(({ weight }) => weight > 0);
  }
  const winner = rollout && (rollout.state === 'completed' ? rollout.candidateVariantId : rollout.stableVariantId);
  if (winner !== undefined && there(winner)) return [{ variantId: winner, weight: 100 }];
  const serving = variants.filter(({ weight }) => weight > 0);
  if (serving.length > 0) return serving.map(({ variantId, weight }) => ({ variantId, weight }));
  const first = variants.find(({ variantId, leaving }) => !leaving && isReady(seen, variantId));
  return first ? [{ variantId: first.variantId, weight: 100 }] : [];
}

const isReady = (seen: Seen, id: string): boolean => seen?.find(({ variantId }) => variantId === id)?.state === 'ready';
const shareOf = (shares: readonly Share[], id: string): number => shares.find(({ variantId }) => variantId === id)?.weight ?? 0;

/** Whether something is still under way, so that it pays to look again soon. */
export function isMoving({ variants, rollout }: Wish, seen: Seen): boolean {
  return reconcile({ variants, rollout }, seen).length > 0 || variants.some(({ state, leaving }) => state === 'deploying' || leaving);
}

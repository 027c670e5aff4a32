import { keysAfterRotation, parseVerifierKey } from '@vitae/transparency';

/** One LogKeyRotated in the ledger. */
export interface Rotation {
  readonly index: number;
  /** As it is stored. */
  readonly payload: string;
}

/** The rotations in the ledger do not make a chain of keys, each introduced by the one before it. */
export class KeyChainBroken extends Error {
  override readonly name = 'KeyChainBroken';
}

/**
 * The verifier keys that sign a checkpoint over `to` events when the one before was over `from`: the key in force, and
 * before it each key that a rotation among the new events retires, so that the old key vouches for the new one's first use.
 * A rotation is in force for every checkpoint that covers its event.
 *
 * @throws KeyChainBroken
 */
export function signingKeys(first: string, rotations: readonly Rotation[], { origin, from, to }: { readonly origin: string; readonly from: number; readonly to: number }): readonly string[] {
  const chain = keyChain(first, rotations.filter(({ index }) => index < to), origin);
  return chain.slice(rotations.filter(({ index }) => index < from).length);
}

/** All keys of the log, oldest first. @throws KeyChainBroken */
export function keyChain(first: string, rotations: readonly Rotation[], origin: string): readonly string[] {
  const chain = [rotations[0] ? oldKeyOf(rotations[0]) : first];
  for (const rotation of rotations) chain.push(following(chain.at(-1) as string, rotation, origin));
  return chain;
}

/** The key that this rotation puts in the place of the one in force. */
function following(current: string, { index, payload }: Rotation, origin: string): string {
  let next: string | undefined;
  try {
    next = keysAfterRotation(origin, [parseVerifierKey(current)], payload)[0]?.text;
  } catch (cause) {
    throw new KeyChainBroken(`the rotation in event ${index} is not what ${current} signed`, { cause });
  }
  if (next === undefined || next === current) throw new KeyChainBroken(`event ${index} rotates from another key than ${current}, which was in force`);
  return next;
}

const oldKeyOf = ({ payload }: Rotation): string => (JSON.parse(payload) as { readonly oldVerifierKey: string }).oldVerifierKey;

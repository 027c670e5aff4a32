/** Dice that fall the same way for the same seed, so that a run can be described by one number. */
export interface Dice {
  /** From 0 (included) to 1 (not). */
  roll(): number;
  /** A whole number from `least` to `most`, both included. */
  from(least: number, most: number): number;
  /** One of them. */
  of<T>(things: readonly T[]): T;
  /** All of them, in another order. */
  shuffled<T>(things: readonly T[]): T[];
}

/** A counter in a multiplicative congruence, then scrambled: not for secrets, enough for choosing. */
export function dice(seed: number): Dice {
  let state = BigInt.asUintN(64, BigInt(Math.trunc(seed)) * 0x9e3779b97f4a7c15n + 0x632be59bd9b4e019n);
  const roll = (): number => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number(state >> 11n) / 2 ** 53;
  };
  const from = (least: number, most: number): number => least + Math.floor(roll() * (most - least + 1));
  const of = <T>(things: readonly T[]): T => things[from(0, things.length - 1)] as T;
  return {
    roll,
    from,
    of,
    shuffled: (things) => things.map((thing) => ({ thing, at: roll() })).sort((a, b) => a.at - b.at).map(({ thing }) => thing),
  };
}

/** CHAOS_SEED, or another one each day: what fails today can be tried again today. */
export const seedOfToday = (): number => Number(process.env['CHAOS_SEED'] ?? new Date().toISOString().slice(0, 10).replaceAll('-', ''));

/** Numbers in [0, 1) that are the same for the same seed, on every machine and in every year. */
export type RandomNumbers = () => number;

/**
 * xoshiro128** (Blackman and Vigna 2018), its state filled from the seed by splitmix32. Not for secrets.
 *
 * @param seed a whole number of 32 bits.
 */
export function seededRandom(seed: number): RandomNumbers {
  let filler = seed >>> 0;
  const state = Uint32Array.from({ length: 4 }, () => {
    filler = (filler + 0x9e3779b9) >>> 0;
    let mixed = filler;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  });
  return () => nextOf(state) / 2 ** 32;
}

/** The generator's next 32 bits; moves its state on. */
export function nextOf(state: Uint32Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = state;
  const result = Math.imul(rotated(Math.imul(b, 5), 7), 9) >>> 0;
  const [third, fourth] = [c ^ a, d ^ b];
  state.set([a ^ fourth, b ^ third, third ^ (b << 9), rotated(fourth, 11)]);
  return result;
}

const rotated = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

/**
 * How many of `n` trials succeed. By counting the gaps between successes, which is exact; where the variance is above
 * 400 by the rounded normal distribution, whose distance from it is then under 2 % of a probability.
 */
export function binomialFrom(random: RandomNumbers, n: number, p: number): number {
  if (n <= 0 || p <= 0) return 0;
  if (p >= 1) return n;
  if (p > 0.5) return n - binomialFrom(random, n, 1 - p);
  const variance = n * p * (1 - p);
  if (variance > 400) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.min(n, Math.max(0, Math.round(n * p + Math.sqrt(variance) * normal)));
  }
  const scale = Math.log1p(-p);
  let successes = 0;
  for (let trial = gap(random, scale); trial <= n; trial += gap(random, scale)) successes += 1;
  return successes;
}

/** Trials up to and with the next success. */
const gap = (random: RandomNumbers, scale: number): number => Math.floor(Math.log(1 - random()) / scale) + 1;

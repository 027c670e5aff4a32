/** Numbers in [0, 1) that are the same for the same seed, on every machine and in every year. */
export type RandomNumbers = () => number;

/**
 * xoshiro128** (Blackman and Vigna 2018), its state filled from the seed by splitmix32. Not for secrets.
 *
 * @param seed a whole number of 32 bits.
 */
export function seededRandom(seed: number): RandomNumbers {
  let filler = seed >>> 0;
  const fill = (): number => {
    filler = (filler + 0x9e3779b9) >>> 0;
    let mixed = filler;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  const next = xoshiro128(fill(), fill(), fill(), fill());
  return () => next() / 2 ** 32;
}

/** Gives 32 bits at a time, from a state of four such numbers. Millions are drawn, so the state is four variables and no array. */
export function xoshiro128(a: number, b: number, c: number, d: number): () => number {
  return () => {
    const mixed = Math.imul(b, 5);
    const result = Math.imul((mixed << 7) | (mixed >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
}

/**
 * How many of `n` trials succeed. By going up the distribution until a random number is used up, which is exact; where
 * the variance is above 300 by the rounded normal distribution, whose distance from it is then under 2 % of a probability.
 */
export function binomialFrom(random: RandomNumbers, n: number, p: number): number {
  if (n <= 0 || p <= 0) return 0;
  if (p >= 1) return n;
  if (p > 0.5) return n - binomialFrom(random, n, 1 - p);
  const variance = n * p * (1 - p);
  if (variance > 300) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.min(n, Math.max(0, Math.round(n * p + Math.sqrt(variance) * normal)));
  }
  const odds = p / (1 - p);
  let left = random();
  let successes = 0;
  for (let probability = (1 - p) ** n; left > probability && successes < n; probability *= ((n - successes + 1) / successes) * odds) {
    left -= probability;
    successes += 1;
  }
  return successes;
}

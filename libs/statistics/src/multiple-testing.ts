/**
 * Benjamini-Hochberg adjusted p values (often called q values), in the order given.
 * q of the k-th smallest p is the minimum over j >= k of p_(j) * tests / j, at most 1.
 *
 * Calling every test with q <= level a discovery keeps the expected share of false ones among them at or under `level`,
 * for independent and for positively dependent tests (Benjamini and Hochberg 1995; Benjamini and Yekutieli 2001).
 * Without it 50 healthy features raise 2.5 alarms in every window at p < .05.
 *
 * @param pValues each in [0, 1]; the family is what is decided on together.
 */
export function benjaminiHochberg(pValues: readonly number[]): number[] {
  const wrong = pValues.find((p) => !(p >= 0 && p <= 1));
  if (wrong !== undefined) throw new RangeError(`A p value lies between 0 and 1; got ${wrong}.`);

  const descending = pValues.map((p, index) => ({ p, index })).sort((a, b) => b.p - a.p);
  const adjusted = pValues.map(() => 1);
  let smallestSoFar = 1;
  descending.forEach(({ p, index }, fromTop) => {
    smallestSoFar = Math.min(smallestSoFar, (p * pValues.length) / (pValues.length - fromTop));
    adjusted[index] = smallestSoFar;
  });
  return adjusted;
}

/**
 * Holm's adjusted p values, in the order given: the k-th smallest times (tests - k + 1), never less than a smaller
 * one's, at most 1. Calling differences with an adjusted value <= level real, the chance of even one false claim is at
 * most `level`, however the tests depend on each other (Holm 1979).
 */
export function holm(pValues: readonly number[]): number[] {
  const wrong = pValues.find((p) => !(p >= 0 && p <= 1));
  if (wrong !== undefined) throw new RangeError(`A p value lies between 0 and 1; got ${wrong}.`);

  const ascending = pValues.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p);
  const adjusted = pValues.map(() => 1);
  let largestSoFar = 0;
  ascending.forEach(({ p, index }, before) => {
    largestSoFar = Math.min(1, Math.max(largestSoFar, p * (pValues.length - before)));
    adjusted[index] = largestSoFar;
  });
  return adjusted;
}

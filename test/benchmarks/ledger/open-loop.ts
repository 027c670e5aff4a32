/**
 * Starts `work` at random moments, `rate` times a second, whether or not the earlier ones are done: as independent
 * users come. Resolves when all are done, with how many there were.
 */
export async function atRate(rate: number, seconds: number, work: () => Promise<void>): Promise<number> {
  const under: Promise<void>[] = [];
  const begun = performance.now();
  const end = begun + 1000 * seconds;
  let due = begun;
  while (due < end) {
    const wait = due - performance.now();
    // A timer's millisecond is too coarse for the last bit of the wait; what became due meanwhile starts at once.
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, 1));
    else if (wait > 0) await new Promise((resolve) => setImmediate(resolve));
    else {
      under.push(work());
      due += (-1000 * Math.log(1 - Math.random())) / rate;
    }
  }
  await Promise.all(under);
  return under.length;
}

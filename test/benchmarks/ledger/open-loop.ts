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
    // What became due within the timer's millisecond starts together: to wait for less, one has to keep one of the cores busy.
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    else {
      under.push(work());
      due += (-1000 * Math.log(1 - Math.random())) / rate;
    }
  }
  await Promise.all(under);
  return under.length;
}

/** What is counted together. */
export interface Told<What> {
  readonly what: What;
  readonly count: number;
  /** In ms since 1970: when the first of them happened. */
  readonly since: number;
}

/** At most this many different things are counted at once; what comes beyond is counted under `overflow`. */
const MOST = 1_000;

/**
 * Tells a thing the first time at once, and what repeats it within the window in one sum afterwards: what is told is
 * bounded by the number of different things, never by how often somebody knocks.
 * @param windowMs how long repetitions are summed up.
 */
export class AccessWindows<What> {
  readonly #open = new Map<string, { readonly what: What; count: number; since: number; readonly end: number }>();

  constructor(private readonly windowMs: number) {}

  /** Counts it in. Undefined: it will be told when its window closes. */
  happened(key: string, what: What, now: number, overflow?: { readonly key: string; readonly what: What }): Told<What> | undefined {
    const known = this.#open.get(key);
    if (known) {
      if (known.count === 0) known.since = now;
      known.count += 1;
      return undefined;
    }
    if (overflow && this.#open.size >= MOST) return this.happened(overflow.key, overflow.what, now);
    this.#open.set(key, { what, count: 0, since: now, end: now + this.windowMs });
    return { what, count: 1, since: now };
  }

  /** The sums of all windows that have closed; with Infinity, of all. */
  closed(now: number): Told<What>[] {
    const done = [...this.#open].filter(([, { end }]) => end <= now);
    for (const [key] of done) this.#open.delete(key);
    return done.filter(([, { count }]) => count > 0).map(([, { what, count, since }]) => ({ what, count, since }));
  }
}

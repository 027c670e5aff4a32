/** What is counted together. */
export interface Told<What> {
  readonly what: What;
  readonly count: number;
  /** In ms since 1970: when the first of them happened. */
  readonly since: number;
}

/** One thing that happened. */
export interface Happening<What> {
  /** The same key is the same thing. */
  readonly key: string;
  readonly what: What;
  /** Who did it: nobody has more than a few things counted by themselves. */
  readonly by: string;
  /** As what it is counted when they have. */
  readonly otherwise: What;
}

/** So many different things of one doer are counted by themselves at once, and of all together. */
const MOST_OF_ONE = 20;
const MOST = 1_000;

interface Window<What> extends Told<What> {
  count: number;
  since: number;
  readonly by: string;
  readonly end: number;
}

/**
 * Tells a thing the first time at once, and what repeats it within the window in one sum afterwards. What is told is bounded
 * by how many do something, never by how often they do it, nor by how many names they think of.
 * @param windowMs how long repetitions are summed up.
 */
export class AccessWindows<What> {
  readonly #open = new Map<string, Window<What>>();
  readonly #of = new Map<string, number>();

  constructor(private readonly windowMs: number) {}

  /** Counts it in. Undefined: it will be told when its window closes. */
  happened({ key, what, by, otherwise }: Happening<What>, now: number): Told<What> | undefined {
    const known = this.#open.get(key);
    if (known) {
      if (known.count === 0) known.since = now;
      known.count += 1;
      return undefined;
    }
    const [rest, doer] = this.#open.size >= MOST ? ['rest', ''] : (this.#of.get(by) ?? 0) >= MOST_OF_ONE ? [`rest of ${by}`, by] : [key, by];
    if (rest !== key && this.#open.has(rest)) return this.happened({ key: rest, what: otherwise, by: doer, otherwise }, now);
    const told = rest === key ? what : otherwise;
    this.#open.set(rest, { what: told, count: 0, since: now, by: doer, end: now + this.windowMs });
    this.#of.set(doer, (this.#of.get(doer) ?? 0) + 1);
    return { what: told, count: 1, since: now };
  }

  /** The sums of all windows that have closed; with Infinity, of all. */
  closed(now: number): Told<What>[] {
    const done = [...this.#open].filter(([, { end }]) => end <= now);
    for (const [key, { by }] of done) {
      this.#open.delete(key);
      const left = (this.#of.get(by) ?? 1) - 1;
      if (left > 0) this.#of.set(by, left);
      else this.#of.delete(by);
    }
    return done.filter(([, { count }]) => count > 0).map(([, { what, count, since }]) => ({ what, count, since }));
  }
}

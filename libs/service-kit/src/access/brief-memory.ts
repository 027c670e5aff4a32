/**
 * Remembers answers for a short while, so that a question that comes with each request is not asked each time. Whoever asks
 * while somebody else is being answered waits for the same answer; failures are not remembered. It holds at most `most`
 * answers: beyond that the oldest is forgotten, so that a flood of made-up questions fills no memory.
 */
export class BriefMemory<Answer> {
  readonly #answers = new Map<string, { readonly answer: Promise<Answer>; readonly until: number }>();

  /** @param now a clock in milliseconds that only goes forward. */
  constructor(
    private readonly forMs: number,
    private readonly most: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** The answer to what `key` stands for. MUST NOT be a secret itself: keys lie in memory. */
  ask(key: string, find: () => Promise<Answer>): Promise<Answer> {
    const known = this.#answers.get(key);
    if (known && known.until > this.now()) return known.answer;
    this.#answers.delete(key); // so that the new one stands last
    const entry = { answer: find(), until: this.now() + this.forMs };
    this.#answers.set(key, entry);
    entry.answer.catch(() => {
      if (this.#answers.get(key) === entry) this.#answers.delete(key);
    });
    const oldest = this.#answers.keys().next();
    if (this.#answers.size > this.most && !oldest.done) this.#answers.delete(oldest.value);
    return entry.answer;
  }

  get size(): number {
    return this.#answers.size;
  }
}

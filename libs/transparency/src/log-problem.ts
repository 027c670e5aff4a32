/** What of a log is wrong. `leaf`: entry and tile disagree, and no root says which of the two was changed. */
export type ProblemPlace = 'checkpoint' | 'known' | 'root' | 'tile' | 'entry' | 'leaf' | 'payload' | 'context' | 'key' | EvidencePlace;
/** What of an evidence pack is wrong, beside that. */
export type EvidencePlace = 'pack' | 'manifest' | 'file' | 'proof' | 'stream' | 'witness';

export interface LogProblem {
  readonly where: ProblemPlace;
  /** A sentence for people. */
  readonly what: string;
  /** The event it is about; absent when it is about many. */
  readonly index?: number | undefined;
  readonly eventId?: string | undefined;
  /** The file it was seen in. */
  readonly path?: string | undefined;
}

/** Enough to act on. A log that is wrong everywhere must not fill the memory. */
const MOST_LISTED = 64;
const MOST_LISTED_IN_A_FILE = 8;

/** Problems in the order they were found: all counted, the first ones kept. */
export class Findings {
  #count = 0;
  #path: string | undefined;
  #inPath = 0;
  readonly #listed: LogProblem[] = [];

  add(problem: LogProblem): void {
    this.#count += 1;
    if (problem.path !== this.#path) this.#inPath = 0;
    this.#path = problem.path;
    this.#inPath += 1;
    if (this.#listed.length < MOST_LISTED && this.#inPath <= MOST_LISTED_IN_A_FILE) this.#listed.push(problem);
  }

  /** The disagreements of entry and tile, once it is known which of them the signed root speaks for. */
  settle(changed: 'entry' | 'tile'): void {
    const says = changed === 'entry' ? 'the signed root agrees with the tile: the entry was changed' : 'the signed root agrees with the entry: the tile was changed';
    for (const [at, problem] of this.#listed.entries()) {
      if (problem.where === 'leaf') this.#listed[at] = { ...problem, where: changed, what: `${problem.what}; ${says}` };
    }
  }

  get count(): number {
    return this.#count;
  }

  get listed(): readonly LogProblem[] {
    return this.#listed;
  }

  /** The first wrong event; what concerns no single event only when there is none. */
  get first(): LogProblem | undefined {
    return this.#listed.reduce<LogProblem | undefined>((best, problem) => ((problem.index ?? Infinity) < (best?.index ?? Infinity) ? problem : best), this.#listed[0]);
  }
}

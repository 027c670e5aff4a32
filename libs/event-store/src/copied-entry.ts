import type { RawEntry } from './read.ts';
import { rfc3339Of } from './timestamp.ts';

/** What CopiedEntry reads, in its order: those of one length first, so that they and the payload are found without a search. */
export const COPIED = 'e.seq, e.revision, e.recorded_at, e.id, e.payload, e.metadata, e.type, e.stream, e.project_id, e.subjects';

// A row of a binary COPY: the number of fields, then each field's length and bytes. None of these is ever null. Counted
// from where the row begins:
const SEQ = 2 + 4;
const REVISION = SEQ + 8 + 4;
const RECORDED_AT = REVISION + 4 + 4;
const ID = RECORDED_AT + 8 + 4;
const TEXTS = ID + 16;

export const seqOf = (bytes: Buffer, row: number): number => int64(bytes, row + SEQ);

/** One row, decoded where it is looked at. */
export class CopiedEntry implements RawEntry {
  readonly index: number;
  readonly #bytes: Buffer;
  readonly #row: number;

  constructor(index: number, bytes: Buffer, row: number) {
    this.index = index;
    this.#bytes = bytes;
    this.#row = row;
  }

  get revision(): number {
    return this.#bytes.readInt32BE(this.#row + REVISION);
  }
  get recordedAt(): string {
    return rfc3339Of(int64(this.#bytes, this.#row + RECORDED_AT));
  }
  get id(): string {
    const hex = this.#bytes.toString('hex', this.#row + ID, this.#row + TEXTS);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }
  get payload(): string {
    return textAt(this.#bytes, this.#row + TEXTS);
  }
  get metadata(): string {
    return textAt(this.#bytes, this.#text(1));
  }
  get type(): string {
    return textAt(this.#bytes, this.#text(2));
  }
  get stream(): string {
    return textAt(this.#bytes, this.#text(3));
  }
  get projectId(): string {
    return textAt(this.#bytes, this.#text(4));
  }
  get subjects(): string {
    // An array: number of dimensions, whether there are nulls, type; for the one dimension its length and lower bound.
    const bytes = this.#bytes;
    let at = this.#text(5) + 4;
    let left = bytes.readInt32BE(at) === 0 ? 0 : bytes.readInt32BE(at + 12);
    let joined = '';
    for (at += 20; left > 0; left -= 1) {
      joined += joined === '' ? textAt(bytes, at) : ` ${textAt(bytes, at)}`;
      at += 4 + bytes.readInt32BE(at);
    }
    return joined;
  }

  /** Where the text that is so many texts after the first begins, with its length. */
  #text(n: number): number {
    let at = this.#row + TEXTS;
    for (let left = n; left > 0; left -= 1) at += 4 + this.#bytes.readInt32BE(at);
    return at;
  }
}

function textAt(bytes: Buffer, at: number): string {
  return bytes.toString('utf8', at + 4, at + 4 + bytes.readInt32BE(at));
}

/** Exact below 2^53: a number of the ledger's sequence, or microseconds until the year 2285. A third of what a BigInt costs. */
export function int64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

import type { RawEntry } from './read.ts';
import { rfc3339Of } from './timestamp.ts';

/** What CopiedEntry reads, in its order: those of one length first, so that they and the payload are found without a search. */
export const COPIED = 'e.seq, e.revision, e.recorded_at, e.id, e.payload, e.metadata, e.type, e.stream, e.project_id, e.subjects';

// A row of a binary COPY: the number of fields, then each field's length and bytes. None of these is ever null.
const SEQ = 2 + 4;
const REVISION = SEQ + 8 + 4;
const RECORDED_AT = REVISION + 4 + 4;
const ID = RECORDED_AT + 8 + 4;
const TEXTS = ID + 16;

export const seqOf = (row: Buffer): number => int64(row, SEQ);

/** One row, decoded where it is looked at. */
export class CopiedEntry implements RawEntry {
  readonly #row: Buffer;

  constructor(
    readonly index: number,
    row: Buffer,
  ) {
    this.#row = row;
  }

  get revision(): number {
    return this.#row.readInt32BE(REVISION);
  }
  get recordedAt(): string {
    return rfc3339Of(int64(this.#row, RECORDED_AT));
  }
  get id(): string {
    const hex = this.#row.toString('hex', ID, TEXTS);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }
  get payload(): string {
    return textAt(this.#row, TEXTS);
  }
  get metadata(): string {
    return textAt(this.#row, this.#text(1));
  }
  get type(): string {
    return textAt(this.#row, this.#text(2));
  }
  get stream(): string {
    return textAt(this.#row, this.#text(3));
  }
  get projectId(): string {
    return textAt(this.#row, this.#text(4));
  }
  get subjects(): string {
    // An array: number of dimensions, whether there are nulls, type; for the one dimension its length and lower bound.
    const row = this.#row;
    let at = this.#text(5) + 4;
    let left = row.readInt32BE(at) === 0 ? 0 : row.readInt32BE(at + 12);
    let joined = '';
    for (at += 20; left > 0; left -= 1) {
      joined += joined === '' ? textAt(row, at) : ` ${textAt(row, at)}`;
      at += 4 + row.readInt32BE(at);
    }
    return joined;
  }

  /** Where the text that is so many texts after the first begins, with its length. */
  #text(n: number): number {
    let at = TEXTS;
    for (let left = n; left > 0; left -= 1) at += 4 + this.#row.readInt32BE(at);
    return at;
  }
}

function textAt(row: Buffer, at: number): string {
  return row.toString('utf8', at + 4, at + 4 + row.readInt32BE(at));
}

/** Exact below 2^53: a number of the ledger's sequence, or microseconds until the year 2255. A third of what a BigInt costs. */
export function int64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}
